import { transactionHash } from '../../../../chain/index.js';
import { bytesToHex } from '../../../../crypto/index.js';
import { jsonOf } from '../../json.js';
import { event, hex32 } from '../../schemas.js';
import { defineTopic, type Filter } from '../topic.js';

export const events = defineTopic({
  summary: 'What contracts tell: rounds that close, updates, charges, seats, in the order of execution.',
  item: event.extend({
    /** Null: it comes from the beginning of the block, before its transactions. */
    transaction: hex32.nullable(),
  }),
  filters: ['contract', 'kind', 'task'],
  items: ({ block, receipts }, filter) => {
    const all = receipts.flatMap((receipt, place) =>
      receipt.events.map((told) => ({ told, transaction: block.transactions[place - 1] })),
    );
    return all.flatMap(({ told: { contract, kind, fields }, transaction }, index) => {
      if (!fits({ contract, kind, fields }, filter)) return [];
      const hash = transaction === undefined ? null : bytesToHex(transactionHash(transaction));
      const item = { contract, kind, fields: jsonOf(fields) as Record<string, unknown>, transaction: hash };
      return [{ index, item }];
    });
  },
});

function fits(told: { contract: string; kind: string; fields: unknown }, filter: Filter): boolean {
  if (filter.contract !== undefined && filter.contract !== told.contract) return false;
  if (filter.kind !== undefined && filter.kind !== told.kind) return false;
  return filter.task === undefined || (told.fields as { readonly task?: unknown }).task === filter.task;
}
