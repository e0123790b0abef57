import { readFileSync, statSync } from 'node:fs';
import { CliError } from '../failure.js';

/** A file's bytes, at most so many. Throws CliError "bad-data". */
export function readBytes(file: string, bytesMax: number): Uint8Array {
  try {
    const { size } = statSync(file);
    if (size <= bytesMax) return readFileSync(file);
    throw new CliError('bad-data', `${file} has ${size} bytes, at most ${bytesMax} are expected`);
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError('bad-data', `${file} cannot be read: ${(cause as Error).message}`, null, { cause });
  }
}
