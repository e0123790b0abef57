import { z } from 'zod';
import {
  ENTRIES_MAX,
  encodeStateEntry,
  proveEntry,
  STATE_KEY_BYTES_MAX,
} from '../../../audit/light/index.js';
import { RpcError } from '../errors.js';
import { bytesToBase64 } from '../json.js';
import { base64, height } from '../schemas.js';
import { defineMethod } from './method.js';

/** Longest key in characters; its bytes may be more, and are counted when it is encoded. */
const key = z
  .string()
  .max(STATE_KEY_BYTES_MAX)
  .refine((text) => Buffer.byteLength(text) <= STATE_KEY_BYTES_MAX && text.isWellFormed(), {
    message: `a key has at most ${STATE_KEY_BYTES_MAX} bytes of text`,
  });

export const proofState = defineMethod({
  summary: 'What the state after the head says of some keys: a value or none, with the proof of it.',
  params: z.strictObject({ keys: z.array(key).min(1).max(ENTRIES_MAX) }),
  result: z.object({
    /** The block whose state root the proofs lead to. */
    height,
    /** Encoded StateEntries (audit/light/messages.ts), in the order of the keys. */
    entries: z.array(base64),
  }),
  run: ({ context }, { keys }) => {
    const tip = context.head();
    if (tip.height === 0)
      throw new RpcError('not-found', 'there is no block yet whose header a proof could lead to');
    const entries = keys.map((each) => bytesToBase64(encodeStateEntry(proveEntry(tip.state, each))));
    return { height: tip.height, entries };
  },
});
