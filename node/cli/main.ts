#!/usr/bin/env node
import { CommanderError } from 'commander';
import { exitCodes } from './exitCodes.js';
import { failureOf } from './failure.js';
import { failureText, processIo } from './io.js';
import { buildProgram } from './program.js';

const json = process.argv.includes('--json');
const debug = process.env.CONSILIUM_DEBUG === '1';

/** Runs the command line and gives the exit code (exitCodes.ts). */
async function main(): Promise<number> {
  try {
    const args = process.argv.slice(2);
    await (await buildProgram(processIo(), args)).parseAsync(args, { from: 'user' });
    return exitCodes.ok;
  } catch (error) {
    // Commander has told its own errors already; its code 0 is --help and --version.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
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
