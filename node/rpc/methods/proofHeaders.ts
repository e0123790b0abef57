import { z } from 'zod';
import { LINKS_MAX } from '../../../audit/light/index.js';
import { encodeHeader } from '../../../chain/index.js';
import { bytesToBase64 } from '../json.js';
import { base64, ordinal } from '../schemas.js';
import { sourceOf } from './lightSource.js';
import { defineMethod } from './method.js';

export const proofHeaders = defineMethod({
  summary: 'Encoded headers of consecutive heights: how a light client goes back from a proved block.',
  params: z
    .strictObject({ from: ordinal, to: ordinal })
    .refine(({ from, to }) => from <= to && to - from < LINKS_MAX, {
      message: `from 1 to ${LINKS_MAX} heights at once`,
      path: ['to'],
    }),
  result: z.object({ headers: z.array(base64) }),
  run: ({ context }, { from, to }) => {
    const source = sourceOf(context);
    const heights = Array.from({ length: to - from + 1 }, (_, i) => from + i);
    return {
      headers: heights.map((height) => bytesToBase64(encodeHeader(source.block(height).header))),
    };
  },
});
