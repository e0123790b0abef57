import { z } from 'zod';
import {
  ENTRIES_MAX,
  encodeStateEntry,
  proveEntry,
  STATE_KEY_BYTES_MAX,
} from '../../../audit/light/index.js';
import type { StateTree } from '../../../chain/index.js';
import { utf8ToBytes } from '../../../crypto/index.js';
import type { RpcContext } from '../context.js';
import { RpcError } from '../errors.js';
import { bytesToBase64 } from '../json.js';
import { base64, height } from '../schemas.js';
import { defineMethod } from './method.js';

/** Longest key in characters; its bytes may be more, and are counted when it is encoded. */
const key = z
  .string()
  .max(STATE_KEY_BYTES_MAX)
  .refine((text) => utf8ToBytes(text).length <= STATE_KEY_BYTES_MAX && text.isWellFormed(), {
    message: `a key has at most ${STATE_KEY_BYTES_MAX} bytes of text`,
  });

export const proofState = defineMethod({
  summary: 'What the state after a block says of some keys: a value or none, with the proof for its header.',
  params: z.strictObject({
    /** As in docs/state.md, for instance account/nonce/ and a public key in hex. */
    keys: z.array(key).min(1).max(ENTRIES_MAX),
    /** Left out: the head. */
    height: height.optional(),
  }),
  result: z.object({
    /** The block whose state root the proofs lead to. */
    height,
    /** Encoded StateEntries (audit/light/messages.ts), in the order of the keys. */
    entries: z.array(base64),
  }),
  run: ({ context }, { keys, height: wanted }) => {
    const at = wanted ?? context.store.versions.held.last;
    const tree = stateAt(context, at);
    return {
      height: at,
      entries: keys.map((each) => bytesToBase64(encodeStateEntry(proveEntry(tree, each)))),
    };
  },
});

function stateAt({ store: { versions } }: RpcContext, wanted: number): StateTree {
  if (wanted === 0) {
    throw new RpcError(
      'not-found',
      'height 0 has no block whose header a proof could lead to; genesis says it all',
    );
  }
  const tree = versions.at(wanted);
  if (tree !== undefined) return tree;
  const { first, last } = versions.held;
  throw new RpcError(
    'not-found',
    wanted > last
      ? `there is no state at height ${wanted} yet; the head is at ${last}`
      : `the state at height ${wanted} is not held any more; this node has heights ${first} to ${last}. ` +
          'Ask for one of these with its header, ask another node, or replay the chain up to there',
  );
}
