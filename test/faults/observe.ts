import { setTimeout as delay } from 'node:timers/promises';
import { blockHash, decodeBlock, transactionId } from '../../chain/index.js';
import { bytesToHex } from '../../crypto/index.js';
import { base64ToBytes, type Client, type ResultOf, RpcError } from '../../node/rpc/index.js';
import type { ChainBlock, Head } from './history.js';

const LOOK_EVERY_MS = 150;

export interface ObserveOptions {
  readonly clients: readonly Client[];
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** Asks every node for its head again and again until the signal; `record` gets each answer. */
export async function watchHeads(options: ObserveOptions, record: (head: Head) => void): Promise<void> {
  const { clients, signal } = options;
  const watch = async (node: number): Promise<void> => {
    while (!signal.aborted) {
      const head = await headOf(options, node);
      if (head !== null) record(head);
      await pause(LOOK_EVERY_MS, signal);
    }
  };
  await Promise.all(clients.map((_, node) => watch(node)));
}

/**
 * Waits until every node holds the block above the highest head that any of them tells now, and so is level with
 * the others and goes on with them. Gives the time that it took, or null if it took longer than `boundMs`.
 */
export async function recovery(options: ObserveOptions, boundMs: number): Promise<number | null> {
  const begun = options.now();
  const heads = await Promise.all(options.clients.map((_, node) => headOf(options, node)));
  const wanted = Math.max(0, ...heads.map((head) => head?.height ?? 0)) + 1;
  return (await allReached(options, wanted, boundMs)) ? options.now() - begun : null;
}

/** Waits until every node's head is at `height` or above; false if that takes longer than `boundMs`. */
export async function allReached(options: ObserveOptions, height: number, boundMs: number): Promise<boolean> {
  const { clients, now, signal } = options;
  const end = now() + boundMs;
  const reached = async (node: number): Promise<boolean> => {
    while (now() < end && !signal.aborted) {
      if (((await headOf(options, node))?.height ?? -1) >= height) return true;
      await pause(LOOK_EVERY_MS, signal);
    }
    return false;
  };
  return (await Promise.all(clients.map((_, node) => reached(node)))).every(Boolean);
}

/** A node's head, or null if it does not answer. */
export async function headOf({ clients, now }: ObserveOptions, node: number): Promise<Head | null> {
  const start = now();
  try {
    const { height, hash } = await clients[node]!.call('chain.status', {});
    return { kind: 'head', node, start, end: now(), height, hash };
  } catch (error) {
    if (error instanceof RpcError) return null;
    throw error;
  }
}

/** The blocks of a node up to a height, from their bytes: hashes are computed here, not believed. */
export async function readChain(client: Client, to: number): Promise<readonly ChainBlock[]> {
  const chain: ChainBlock[] = [];
  for (let from: number | null = 1; from !== null && from <= to; ) {
    const part: ResultOf<'chain.export'> = await client.call(
      'chain.export',
      { from, to },
      { timeoutMs: 60_000 },
    );
    for (const { block } of part.blocks) chain.push(formOf(base64ToBytes(block)!));
    from = part.next;
  }
  return chain;
}

function formOf(raw: Uint8Array): ChainBlock {
  const { header, transactions } = decodeBlock(raw);
  return {
    height: header.height,
    hash: bytesToHex(blockHash(header)),
    parent: bytesToHex(header.parent),
    time: header.time,
    transactions: transactions.map((transaction) => ({
      tx: transactionId(transaction),
      from: bytesToHex(transaction.from),
      nonce: transaction.nonce,
    })),
  };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {}); // the caller looks at the signal
}
