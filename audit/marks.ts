import {
  type Block,
  DecodeError,
  decodeReceipt,
  type MarkedPayload,
  merkleRoot,
  type Receipt,
} from '../chain/index.js';
import { bytesToHex, equalBytes } from '../crypto/index.js';
import type { Fault } from './payloads.js';

/** What stands for pruned bytes in the execution of a block: its receipts, which say what became of them. */
export interface Marks {
  /** The receipt of the block's beginning: it has the outcomes of the rounds that closed (`markedOutcome`). */
  readonly begun: Receipt;
  /** By hex hash of a transaction: the same bytes may stand in two, and fit only one of them. */
  readonly payloads: ReadonlyMap<string, MarkedPayload>;
}

export type OpenedMarks =
  | { readonly ok: true; readonly marks: Marks }
  | { readonly ok: false; readonly fault: Fault };

/**
 * Reads a block's receipts as marked inputs. They have to be those of its receipts root, so an altered one is a
 * finding, and whoever trusts the block (its certificate, or an anchor) needs to trust nobody for them. That the
 * committee did compute what they say is what nobody can repeat without the bytes.
 *
 * Cost: one hash over the receipts.
 */
export function openMarks(block: Block, receipts: readonly Uint8Array[]): OpenedMarks {
  if (!equalBytes(merkleRoot(receipts), block.header.receiptsRoot)) {
    const detail = 'the receipts given as marked inputs are not those that the header names';
    return { ok: false, fault: { reason: 'wrong-receipts', detail, key: 'receiptsRoot' } };
  }
  try {
    const [begun, ...others] = receipts.map(decodeReceipt);
    if (begun === undefined || others.length !== block.transactions.length)
      return { ok: false, fault: malformed('there is not one for each transaction') };
    return { ok: true, marks: { begun, payloads: new Map(others.map(markOf)) } };
  } catch (error) {
    if (error instanceof DecodeError) return { ok: false, fault: malformed(error.message) };
    throw error;
  }
}

function markOf({ transaction, ok, code, detail }: Receipt): readonly [string, MarkedPayload] {
  const refusal = ok ? null : { code: code ?? '', detail: detail ?? '' };
  return [bytesToHex(transaction ?? new Uint8Array(0)), { refusal }];
}

function malformed(detail: string): Fault {
  return {
    reason: 'malformed',
    detail: `the receipts given as marked inputs: ${detail}`,
    key: 'receiptsRoot',
  };
}
