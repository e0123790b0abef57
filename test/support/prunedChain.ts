import type { ReplayEntry } from '../../audit/index.js';
import { encodeReceipt } from '../../chain/index.js';
import { closedEvents } from '../../contracts/index.js';
import { bytesToHex } from '../../crypto/index.js';
import { createMarking } from '../../node/export/marking.js';
import type { TestChain } from './chain.js';

/** The height at which a round of task 1 closed. */
export function closedAt(test: TestChain, round: number): number {
  const at = test.blocks.findIndex(({ executed }) =>
    closedEvents(executed.receipts[0]!).some((event) => event.round === round),
  );
  return at + 1;
}

/** Ids, in hex, of what the rounds up to this one rest on: their updates, the models and accumulators before them. */
export function restsOf(test: TestChain, through: number): Set<string> {
  const ids = new Set<string>();
  for (let height = 1; height <= closedAt(test, through); height += 1) {
    const { block, executed } = test.blocks[height - 1]!;
    const closed = closedEvents(executed.receipts[0]!);
    const isLast = closed.some(({ round }) => round === through);
    if (!isLast) for (const id of executed.payloads.keys()) ids.add(id);
    if (isLast) break;
    for (const { id } of block.transactions.flatMap(({ payloads }) => payloads)) ids.add(bytesToHex(id));
  }
  return ids;
}

/** The entries of a chain as a node exports them that has pruned these payloads. */
export async function prunedEntries(
  test: TestChain,
  pruned: ReadonlySet<string>,
): Promise<readonly ReplayEntry[]> {
  const held = (id: Uint8Array) => (pruned.has(bytesToHex(id)) ? null : test.payloadOf(id));
  const mark = createMarking(async ({ id }) => held(id));
  const entries: ReplayEntry[] = [];
  for (const [i, { block, certificate }] of test.entries.entries()) {
    const { block: decoded, executed } = test.blocks[i]!;
    const refs = decoded.transactions.flatMap(({ payloads }) => payloads);
    const payloads = refs.map(({ id }) => held(id));
    const marked = await mark(decoded, payloads, executed.receipts.map(encodeReceipt));
    entries.push({ block, certificate, payloads, ...marked });
  }
  return entries;
}
