import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { program } from './processes.js';

/** Runs a command of the built program to its end. */
export async function runCommand(...args: readonly string[]) {
  const [node, main] = program;
  const child = spawn(node, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  const [out, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await ended;
  return { out, errors, code };
}
