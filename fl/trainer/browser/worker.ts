/** ../worker.ts in a browser. */
import { answer } from '../answer.js';
import type { Request } from '../message.js';
import { startBackend } from './backend.js';
import { osRandom } from './osRandom.js';

/** What is used of a worker's global scope. */
const scope = globalThis as unknown as {
  onmessage: (event: { readonly data: Request }) => void;
  postMessage(message: unknown): void;
  reportError(error: unknown): void;
};
const random = osRandom();
const started = startBackend();

// Taken from the first moment on: what comes before there is a listener is lost here.
scope.onmessage = ({ data }) => {
  started.then(() => scope.postMessage(answer(data, random))).catch((error) => scope.reportError(error));
};
