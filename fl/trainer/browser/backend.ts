import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { env, ready, setBackend } from '@tensorflow/tfjs-core';
import { TrainerError } from '../error.js';

let starting: Promise<void> | undefined;
let started = false;

/**
 * ../backend.ts in a browser: WebAssembly, one thread. The library's files (tfjs-backend-wasm*.wasm of its package) lie
 * beside the script that this is bundled into, and are fetched from there.
 */
export function startBackend(): Promise<void> {
  starting ??= start();
  return starting;
}

/** Throws TrainerError "not-ready" unless a backend runs in this thread. */
export function requireBackend(): void {
  if (!started) throw new TrainerError('not-ready', 'call startBackend first');
}

async function start(): Promise<void> {
  const here = import.meta.url; // a name of its own: bundlers take the usual form for a file to be packed
  setWasmPaths(new URL('.', here).href);
  env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  started = await setBackend('wasm');
  await ready();
  if (!started) throw new TrainerError('not-ready', 'the WebAssembly backend did not start');
}
