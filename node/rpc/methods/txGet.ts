import { z } from 'zod';
import type { RpcContext } from '../context.js';
import { jsonOf } from '../json.js';
import { bytes32, count, event, height, waitMs } from '../schemas.js';
import { defineMethod } from './method.js';
import { waitUntil } from './wait.js';

const committed = z.object({
  status: z.literal('committed'),
  height,
  index: count,
  /** False: the contract refused it, and `code` and `detail` say why. */
  ok: z.boolean(),
  code: z.string().nullable(),
  detail: z.string().nullable(),
  events: z.array(event),
});
export type CommittedForm = z.infer<typeof committed>;

export const txGet = defineMethod({
  summary: 'What became of a transaction. With waitMs it waits until a block holds it.',
  params: z.strictObject({ hash: bytes32, waitMs }),
  result: z.discriminatedUnion('status', [
    committed,
    z.object({ status: z.literal('pending') }),
    z.object({ status: z.literal('unknown') }),
  ]),
  run: async (scope, { hash, waitMs: wait }) => {
    const { context } = scope;
    const found = await waitUntil(scope, wait, () => committedForm(context, hash));
    if (found !== null) return found;
    return { status: context.pending(hash) ? ('pending' as const) : ('unknown' as const) };
  },
});

function committedForm(context: RpcContext, hash: Uint8Array): CommittedForm | null {
  const place = context.store.transaction(hash);
  if (place === null) return null;
  // The first receipt is that of the block's own beginning.
  const { ok, code, detail, events } = context.store.block(place.height)!.receipts[place.index + 1]!;
  return {
    status: 'committed',
    height: place.height,
    index: place.index,
    ok,
    code,
    detail,
    events: events.map(({ contract, kind, fields }) => ({
      contract,
      kind,
      fields: jsonOf(fields) as Record<string, unknown>,
    })),
  };
}
