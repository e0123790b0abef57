#!/usr/bin/env node
import { exitCodes } from './exitCodes.js';
import { failureOf } from './failure.js';
import { failureText, processIo } from './io.js';
import { runCommand } from './program.js';

const json = process.argv.includes('--json');
const debug = process.env.CONSILIUM_DEBUG === '1';

/** Runs the command line and gives the exit code (exitCodes.ts). */
async function main(): Promise<number> {
  try {
    await runCommand(processIo(), process.argv.slice(2));
    return exitCodes.ok;
  } catch (error) {
    process.stderr.write(`${failureText(error, json, debug)}\n`);
    return exitCodes[failureOf(error).exit];
  }
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(exitCodes.ok); // the reader has seen enough (| head)
});
process.on('uncaughtException', (error) => {
  process.stderr.write(`${failureText(error, json, debug)}\n`);
  process.exit(exitCodes.internal);
});

const code = await main();
// What is written goes out first; then nothing that is left over can hold the process.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
