import { z } from 'zod';
import { bytesToHex } from '../../../crypto/index.js';
import packageFile from '../../../package.json' with { type: 'json' };
import { count, height, hex32 } from '../schemas.js';
import { defineMethod } from './method.js';

export const nodeStatus = defineMethod({
  summary: 'This node: who it is, how far it has come, what it measures.',
  params: z.strictObject({}),
  result: z.object({
    name: z.string(),
    publicKey: hex32,
    chainId: hex32,
    version: z.string(),
    height,
    hash: hex32,
    time: count,
    peers: count,
    agreement: z.object({ height, period: count, active: z.boolean() }),
    metrics: z.record(z.string(), z.number()),
  }),
  run: ({ context }) => {
    const head = context.head();
    return {
      name: context.nodeName,
      publicKey: bytesToHex(context.publicKey),
      chainId: bytesToHex(context.chainId),
      version: packageFile.version,
      height: head.height,
      hash: bytesToHex(head.hash),
      time: head.time,
      peers: context.peers().length,
      agreement: context.agreement(),
      metrics: finite(context.metrics()),
    };
  },
});

/** JSON has no NaN: a percentile of nothing is left out. */
export function finite(metrics: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).filter(([, value]) => Number.isFinite(value)));
}
