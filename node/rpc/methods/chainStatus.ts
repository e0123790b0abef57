import { z } from 'zod';
import { bytesToHex } from '../../../crypto/index.js';
import { baseHeight } from '../../store/index.js';
import { count, height, hex32, waitMs } from '../schemas.js';
import { chainNameOf } from './find.js';
import { defineMethod } from './method.js';
import { waitUntil } from './wait.js';

export const chainStatus = defineMethod({
  summary: 'The head of the chain. With afterHeight and waitMs it waits for a head above that height.',
  params: z.strictObject({ afterHeight: height.optional(), waitMs }),
  result: z.object({
    chainId: hex32,
    name: z.string(),
    height,
    hash: hex32,
    time: count,
    /** This node joined there by a snapshot and has no block up to it; 0: it has them all. */
    base: height,
    /** Who agreed on the head, in the committee's order; empty at genesis. */
    committee: z.array(hex32),
  }),
  run: async (scope, { afterHeight, waitMs: wait }) => {
    const { context } = scope;
    if (afterHeight !== undefined) {
      await waitUntil(scope, wait, () => (context.head().height > afterHeight ? true : null));
    }
    const head = context.head();
    return {
      chainId: bytesToHex(context.chainId),
      name: chainNameOf(context),
      height: head.height,
      hash: bytesToHex(head.hash),
      time: head.time,
      base: baseHeight(context.store),
      committee: head.committee.map(({ publicKey }) => bytesToHex(publicKey)),
    };
  },
});
