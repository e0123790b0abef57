import { PassThrough } from 'node:stream';
import type { ExitName } from '../../node/cli/exitCodes.js';
import { failureOf } from '../../node/cli/failure.js';
import type { Io } from '../../node/cli/io.js';
import { runCommand } from '../../node/cli/program.js';

/** Runs a command line as main.ts does and gives what a user would see. */
export async function runProgram(
  ...args: string[]
): Promise<{ exit: ExitName; out: string; notes: string; message: string; hint: string | null }> {
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
    await runCommand(io, args);
    return { exit: 'ok', ...said, message: '', hint: null };
  } catch (error) {
    const { exit, message, hint } = failureOf(error);
    return { exit, ...said, message, hint };
  }
}
