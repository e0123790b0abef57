import { z } from 'zod';
import { bytesToBase64 } from '../json.js';
import { base64, bytes32 } from '../schemas.js';
import { payloadOf } from './find.js';
import { defineMethod } from './method.js';

export const payloadGet = defineMethod({
  summary:
    'The bytes of a payload that this node holds: an update, weights, an accumulator, an optimizer state.',
  params: z.strictObject({ id: bytes32 }),
  result: z.object({ bytes: base64 }),
  run: ({ context }, { id }) => ({ bytes: bytesToBase64(payloadOf(context, id)) }),
});
