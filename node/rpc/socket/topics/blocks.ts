import { z } from 'zod';
import { bytesToHex } from '../../../../crypto/index.js';
import { count, height, hex32 } from '../../schemas.js';
import { defineTopic } from '../topic.js';

export const blocks = defineTopic({
  summary: 'Each block as it is decided.',
  item: z.object({
    height,
    hash: hex32,
    level: count,
    time: count,
    leader: hex32.nullable(),
    transactions: count,
    /** The period that decided it: 0 when nothing went wrong. */
    period: count,
  }),
  filters: [],
  items: ({ block: { header, transactions }, hash, certificate }) => [
    {
      index: 0,
      item: {
        height: header.height,
        hash: bytesToHex(hash),
        level: header.level,
        time: header.time,
        leader: header.leader === null ? null : bytesToHex(header.leader),
        transactions: transactions.length,
        period: certificate.period,
      },
    },
  ],
});
