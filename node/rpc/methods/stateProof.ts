import { z } from 'zod';
import { encodeStateProof, proveState, type StateTree, treeGet, treeRoot } from '../../../chain/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import type { RpcContext } from '../context.js';
import { RpcError } from '../errors.js';
import { bytesToBase64 } from '../json.js';
import { base64, height, hex32 } from '../schemas.js';
import { defineMethod } from './method.js';

/** Keys are a cell's name and ids; the longest that a contract makes is far below. */
const KEY_CHARACTERS_MAX = 1_024;

export const stateProof = defineMethod({
  summary: 'The value of a state key after a block, or that it has none, with the proof for that header.',
  params: z.strictObject({
    /** As in docs/state.md, for instance account/nonce/ and a public key in hex. */
    key: z.string().max(KEY_CHARACTERS_MAX),
    /** Left out: the head. */
    height: height.optional(),
  }),
  result: z.object({
    height,
    stateRoot: hex32,
    key: z.string(),
    /** Null: the key has no value, and the proof shows that. */
    value: base64.nullable(),
    proof: base64,
  }),
  run: ({ context }, { key, height: wanted }) => {
    const at = wanted ?? context.store.versions.held.last;
    const tree = versionOf(context, at);
    const value = treeGet(tree, key);
    return {
      height: at,
      stateRoot: bytesToHex(treeRoot(tree)),
      key,
      value: value === null ? null : bytesToBase64(value),
      proof: bytesToBase64(encodeStateProof(proveState(tree, key))),
    };
  },
});

function versionOf({ store: { versions } }: RpcContext, wanted: number): StateTree {
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
