import { z } from 'zod';
import { encodeStart } from '../../../audit/light/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { bytesToBase64 } from '../json.js';
import { base64, height, hex32, ordinal } from '../schemas.js';
import { sourceOf } from './lightSource.js';
import { defineMethod } from './method.js';

export const proofHeader = defineMethod({
  summary:
    'A header with the ring that votes after it: where a light client begins that knows the block’s hash from elsewhere.',
  params: z.strictObject({ height: ordinal }),
  result: z.object({
    height,
    hash: hex32,
    /** An encoded LightStart (audit/light/messages.ts). */
    start: base64,
  }),
  run: ({ context }, params) => {
    const source = sourceOf(context);
    const { header, hash } = source.block(params.height);
    const start = { header, ring: source.ringAfter(params.height) };
    return { height: params.height, hash: bytesToHex(hash), start: bytesToBase64(encodeStart(start)) };
  },
});
