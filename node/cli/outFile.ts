import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import { CliError } from './failure.js';

/** Refuses a file that could not be written in the end, before any work is done for it. Throws CliError "usage". */
export function checkOut(file: string): void {
  try {
    accessSync(dirname(file), constants.W_OK);
  } catch (cause) {
    throw unwritable(file, cause);
  }
}

/** What writing a file says of a full or broken disk, as users are told. Throws CliError "usage". */
export async function writingTo(file: string, writing: Promise<void>): Promise<void> {
  try {
    await writing;
  } catch (cause) {
    throw unwritable(file, cause);
  }
}

const unwritable = (file: string, cause: unknown): CliError =>
  new CliError(
    'usage',
    `${file} cannot be written: ${(cause as Error).message}`,
    'name a file in a folder that is there',
    {
      cause,
    },
  );
