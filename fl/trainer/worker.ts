/** The thread in which a device's training runs. Started by TrainerPool; talks in the messages of message.ts. */
import { parentPort } from 'node:worker_threads';
import { startBackend } from './backend.js';
import { descend } from './descend.js';
import { TrainerError } from './error.js';
import type { Reply, Request } from './message.js';
import { goNative } from './native.js';
import { osRandom } from './osRandom.js';
import { trainStep } from './trainStep.js';

if (parentPort === null) throw new Error('this file runs in a worker thread');
const port = parentPort;
const random = osRandom();

await startBackend();
await goNative();
// Requests that came during the start waited in the port's own queue.
port.on('message', (request: Request) => {
  port.postMessage(answer(request));
});

function answer(request: Request): Reply {
  try {
    switch (request.kind) {
      case 'train':
        return { kind: 'trained', result: trainStep(request.job, random) };
      case 'descend':
        return { kind: 'descended', weights: descend(request.job) };
      default:
        return request satisfies never;
    }
  } catch (error) {
    if (!(error instanceof TrainerError)) throw error;
    return { kind: 'refused', code: error.code, message: error.message };
  }
}
