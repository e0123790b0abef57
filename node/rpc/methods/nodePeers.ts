import { z } from 'zod';
import { hex32 } from '../schemas.js';
import { defineMethod } from './method.js';

export const nodePeers = defineMethod({
  summary: 'The links of this node to other validators, and what it knows of each one’s clock.',
  params: z.strictObject({}),
  result: z.object({
    peers: z.array(
      z.object({
        publicKey: hex32,
        /** The peer's clock against the node's; null: not asked yet, or it does not answer. */
        clockOffsetMs: z.number().nullable(),
        roundTripMs: z.number().nullable(),
      }),
    ),
    /** The median of them; null: unknown. */
    clockOffsetMs: z.number().nullable(),
  }),
  run: ({ context }) => {
    const peers = context.peers().map(({ publicKey }) => {
      const clock = context.peerClock?.(publicKey) ?? null;
      return { publicKey, clockOffsetMs: clock?.offsetMs ?? null, roundTripMs: clock?.roundTripMs ?? null };
    });
    const { clockOffsetMs = Number.NaN } = context.metrics();
    return { peers, clockOffsetMs: Number.isFinite(clockOffsetMs) ? clockOffsetMs : null };
  },
});
