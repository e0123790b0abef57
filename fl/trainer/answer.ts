import type { RandomBytes } from '../../crypto/index.js';
import { descend } from './descend.js';
import { TrainerError } from './error.js';
import type { Reply, Request } from './message.js';
import { trainStep } from './trainStep.js';

/** What a thread does with a request. Throws what is no refusal: then the thread shall die of it. */
export function answer(request: Request, random: RandomBytes): Reply {
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
