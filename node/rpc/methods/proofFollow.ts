import { z } from 'zod';
import { encodeStep } from '../../../audit/light/index.js';
import { bytesToBase64 } from '../json.js';
import { answerLimits } from '../limits.js';
import { base64, height } from '../schemas.js';
import { sourceOf } from './lightSource.js';
import { defineMethod } from './method.js';

export const proofFollow = defineMethod({
  summary:
    'The steps that take a light client from a height to a later one, or as far as one answer goes: one an era, or every height where committees are a part of the ring.',
  params: z
    .strictObject({ from: height, to: height })
    .refine(({ from, to }) => from < to, { message: 'to is not above from', path: ['to'] }),
  result: z.object({
    /** Encoded LightSteps (audit/light/messages.ts), in their order. */
    steps: z.array(base64),
    /** The height of the last step; ask again from there if it is below `to`. */
    reached: height,
  }),
  run: ({ context }, { from, to }) => {
    const source = sourceOf(context);
    source.block(to);
    const steps: string[] = [];
    let reached = from;
    let bytes = 0;
    while (reached < to && steps.length < answerLimits.steps) {
      const at = source.next(reached, to);
      const step = encodeStep(source.step(at));
      bytes += step.length;
      if (steps.length > 0 && bytes > answerLimits.stepBytes) break;
      steps.push(bytesToBase64(step));
      reached = at;
    }
    return { steps, reached };
  },
});
