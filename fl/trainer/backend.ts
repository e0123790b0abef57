import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { env, ready, setBackend } from '@tensorflow/tfjs-core';
import { TrainerError } from './error.js';

let starting: Promise<void> | undefined;
let started = false;

/**
 * Starts the tensor library in this thread: WebAssembly, one thread, from the files of the installed package
 * (nothing is fetched). Takes 15 to 200 ms the first time; later calls return the same promise.
 *
 * The WebAssembly loader installs process-wide handlers that rethrow uncaught exceptions and rejections: they
 * would replace the host's own way to die, so they are taken off again.
 */
export function startBackend(): Promise<void> {
  starting ??= start();
  return starting;
}

/** Throws TrainerError "not-ready" unless a backend runs in this thread. */
export function requireBackend(): void {
  if (!started) throw new TrainerError('not-ready', 'call startBackend first');
}

const HOOKED = ['uncaughtException', 'unhandledRejection'] as const;

async function start(): Promise<void> {
  const before = HOOKED.map((event) => new Set<unknown>(process.listeners(event as 'uncaughtException')));
  setWasmPaths(dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm')) + sep);
  // More threads need shared memory and a worker script that Node cannot load; a pool of workers does better.
  env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  started = await setBackend('wasm');
  await ready();
  for (const [index, event] of HOOKED.entries())
    for (const listener of process.listeners(event as 'uncaughtException'))
      if (!before[index]!.has(listener)) process.removeListener(event, listener);
  if (!started) throw new TrainerError('not-ready', 'the WebAssembly backend did not start');
}
