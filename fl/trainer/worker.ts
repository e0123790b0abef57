/** The thread in which a device's training runs. Started by startThread; talks in the messages of message.ts. */
import { constants, getPriority, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { answer } from './answer.js';
import { startBackend } from './backend.js';
import type { Request } from './message.js';
import { goNative } from './native.js';
import { osRandom } from './osRandom.js';

if (parentPort === null) throw new Error('this file runs in a worker thread');
const port = parentPort;
const random = osRandom();

// Of this thread alone: votes and answers of the node go before, and where no other has work training is as fast as ever.
const behind = constants.priority.PRIORITY_BELOW_NORMAL;
// Who started the node further back meant it, and may not be allowed to come forward.
if (process.platform === 'linux' && getPriority(0) < behind) setPriority(0, behind);

await startBackend();
await goNative();
// Requests that came during the start waited in the port's own queue.
port.on('message', (request: Request) => {
  port.postMessage(answer(request, random));
});
