import { z } from 'zod';
import { baseHeight, belowBase } from '../../store/index.js';
import { RpcError } from '../errors.js';
import { bytesToBase64 } from '../json.js';
import { answerLimits } from '../limits.js';
import { base64, height, ordinal } from '../schemas.js';
import { defineMethod } from './method.js';

export const chainExport = defineMethod({
  summary:
    'Encoded blocks with their certificates, and receipts if asked for, from a height up to another or to what fits one answer.',
  params: z
    .strictObject({ from: ordinal, to: ordinal, receipts: z.boolean().optional() })
    .refine(({ from, to }) => from <= to, { message: 'from is above to', path: ['from'] }),
  result: z.object({
    blocks: z.array(z.object({ block: base64, certificate: base64, receipts: z.array(base64).optional() })),
    /** Where to go on, or null: `to` or the head was reached. */
    next: height.nullable(),
  }),
  run: ({ context }, { from, to, receipts: isAsked = false }) => {
    if (from <= baseHeight(context.store)) throw new RpcError('not-found', belowBase(context.store));
    const last = Math.min(to, context.head().height);
    const blocks: { block: string; certificate: string; receipts?: string[] }[] = [];
    let bytes = 0;
    let at = from;
    for (; at <= last && blocks.length < answerLimits.exportBlocks; at += 1) {
      const stored = context.store.blockBytes(at);
      if (stored === null) break;
      const receipts = isAsked ? stored.receipts() : [];
      bytes += [stored.block, stored.certificate, ...receipts].reduce((sum, { length }) => sum + length, 0);
      if (blocks.length > 0 && bytes > answerLimits.exportBytes) break;
      const pair = { block: bytesToBase64(stored.block), certificate: bytesToBase64(stored.certificate) };
      blocks.push(isAsked ? { ...pair, receipts: receipts.map(bytesToBase64) } : pair);
    }
    return { blocks, next: at <= last ? at : null };
  },
});
