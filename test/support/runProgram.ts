import { PassThrough } from 'node:stream';
import { CommanderError } from 'commander';
import type { ExitName } from '../../node/cli/exitCodes.js';
import { failureOf } from '../../node/cli/failure.js';
import type { Io } from '../../node/cli/io.js';
import { buildProgram } from '../../node/cli/program.js';

/** Runs a command line as main.ts does and gives what a user would see. */
export async function runProgram(
  ...args: string[]
): Promise<{ exit: ExitName; out: string; notes: string; message: string }> {
  const said = { out: '', notes: '' };
  const io: Io = {
    out: (text) => {
      said.out += `${text}\n`;
    },
    note: (text) => {
      said.notes += `${text}\n`;
    },
    screen: Object.assign(new PassThrough(), { isTTY: false as const, columns: 80 }),
    env: {},
  };
  try {
    await (await buildProgram(io, args)).parseAsync(args, { from: 'user' });
    return { exit: 'ok', ...said, message: '' };
  } catch (error) {
    if (error instanceof CommanderError) {
      return { exit: error.exitCode === 0 ? 'ok' : 'usage', ...said, message: error.message };
    }
    const { exit, message } = failureOf(error);
    return { exit, ...said, message };
  }
}
