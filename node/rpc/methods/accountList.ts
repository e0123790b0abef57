import { z } from 'zod';
import { membersCell, membersOf } from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { accountStatus, count, hex32, ordinal, roleForm } from '../schemas.js';
import { stateOf } from './find.js';
import { defineMethod } from './method.js';

const PAGE_MAX = 1_000;

export const accountList = defineMethod({
  summary:
    'The accounts of a hospital, the newest first; without a hospital, those that no hospital answers for.',
  ofHead: true,
  params: z.strictObject({
    hospital: z.string().max(64).default(''),
    /** The name to go on from, as `next` said. */
    from: z.string().max(64).nullable().default(null),
    limit: ordinal.max(PAGE_MAX).default(100),
  }),
  result: z.object({
    hospital: z.string(),
    /** How many it has in all. */
    total: count,
    accounts: z.array(
      z.object({
        account: hex32,
        publicKey: hex32,
        role: roleForm,
        name: z.string(),
        level: count,
        area: z.string(),
        status: accountStatus,
      }),
    ),
    /** What `from` is for those that follow; null: these are all. */
    next: z.string().nullable(),
  }),
  run: ({ context }, { hospital, from, limit }) => {
    const state = stateOf(context);
    const found = membersOf(state, hospital, from, limit + 1);
    const accounts = found.slice(0, limit).map(({ id, account }) => {
      const { publicKey, role, name, level, area, status } = account;
      return { account: bytesToHex(id), publicKey: bytesToHex(publicKey), role, name, level, area, status };
    });
    const total = membersCell.get(state, hospital)?.count ?? 0;
    return { hospital, total, accounts, next: found[limit]?.account.name ?? null };
  },
});
