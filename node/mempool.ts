import { limits, nonceCell, type StateReader, type VerifiedTransaction } from '../chain/index.js';
import { Wanted } from './wanted.js';

export const mempoolLimits = {
  transactionsMax: 5_000,
  bytesMax: 64 * 1024 * 1024,
  /** How far ahead of the state a sender's nonces may run. */
  nonceGapMax: 64,
} as const;

export type MempoolFault = 'known' | 'wrong-nonce' | 'mempool-full';

interface Entry {
  readonly verified: VerifiedTransaction;
  readonly acceptedAt: number;
}

/**
 * Transactions that wait for a block, payloads held. One owner: the node. Bounded by count, by bytes and per
 * sender; one transaction a sender and nonce, the first that came.
 */
export class Mempool {
  readonly #byHash = new Map<string, Entry>();
  /** Payloads of those that wait: they stay on disk. */
  readonly wanted = new Wanted();
  /** Payloads of those that were dropped and can stand in no block, since the last `takeDropped`. */
  #dropped: Uint8Array[] = [];
  readonly #bySender = new Map<string, Map<number, string>>();
  readonly #isBarred: (state: StateReader, sender: string) => boolean;
  #bytes = 0;

  /** `isBarred`: may this key (in hex) send nothing in this state, suspended or replaced? What waits of it is dropped. */
  constructor(isBarred: (state: StateReader, sender: string) => boolean = () => false) {
    this.#isBarred = isBarred;
  }

  get size(): number {
    return this.#byHash.size;
  }

  get(hash: string): VerifiedTransaction | null {
    return this.#byHash.get(hash)?.verified ?? null;
  }

  /** Null: taken. `acceptedAt` is the caller's clock, handed back by `remove`. */
  add(verified: VerifiedTransaction, state: StateReader, acceptedAt: number): MempoolFault | null {
    const { transaction, size, id: hash, sender } = verified;
    if (this.#byHash.has(hash)) return 'known';
    const next = nonceCell.get(state, sender) ?? 0;
    const waiting = this.#bySender.get(sender) ?? new Map<number, string>();
    const { nonce } = transaction;
    if (nonce < next || nonce > next + mempoolLimits.nonceGapMax || waiting.has(nonce)) return 'wrong-nonce';
    const full =
      this.#byHash.size >= mempoolLimits.transactionsMax || this.#bytes + size > mempoolLimits.bytesMax;
    if (full) return 'mempool-full';
    this.#byHash.set(hash, { verified, acceptedAt });
    this.#bySender.set(sender, waiting.set(nonce, hash));
    this.#bytes += size;
    this.wanted.hold(transaction.payloads);
    return null;
  }

  /** What a leader may put into a block on this state: in order of arrival, each sender's nonces without gaps. */
  candidates(state: StateReader): readonly VerifiedTransaction[] {
    const taken: VerifiedTransaction[] = [];
    const seen = new Set<string>();
    for (const { verified } of this.#byHash.values()) {
      const { sender } = verified;
      if (seen.has(sender)) continue;
      seen.add(sender);
      const waiting = this.#bySender.get(sender)!;
      for (let nonce = nonceCell.get(state, sender) ?? 0; waiting.has(nonce); nonce += 1) {
        taken.push(this.#byHash.get(waiting.get(nonce)!)!.verified);
      }
      if (taken.length >= limits.transactionsPerBlockMax) break;
    }
    return taken;
  }

  /** Those that wait, in order of arrival, at most `max`. */
  oldest(max: number): readonly VerifiedTransaction[] {
    const found: VerifiedTransaction[] = [];
    for (const { verified } of this.#byHash.values()) {
      if (found.length >= max) break;
      found.push(verified);
    }
    return found;
  }

  /** The nonce after a sender's waiting transactions. */
  nextNonce(sender: string, state: StateReader): number {
    let nonce = nonceCell.get(state, sender) ?? 0;
    const waiting = this.#bySender.get(sender);
    while (waiting?.has(nonce)) nonce += 1;
    return nonce;
  }

  hasCandidates(state: StateReader): boolean {
    for (const [sender, waiting] of this.#bySender) {
      if (waiting.has(nonceCell.get(state, sender) ?? 0)) return true;
    }
    return false;
  }

  /** After a commit: drops what stands in the block, and what can stand in none any more, or not until its sender may. */
  settle(hashes: readonly string[], state: StateReader): readonly { hash: string; acceptedAt: number }[] {
    const settled = hashes.flatMap((hash) => {
      const entry = this.#byHash.get(hash);
      if (entry === undefined) return [];
      this.#drop(hash, entry);
      return [{ hash, acceptedAt: entry.acceptedAt }];
    });
    for (const [sender, waiting] of this.#bySender) {
      const next = this.#isBarred(state, sender)
        ? Number.POSITIVE_INFINITY
        : (nonceCell.get(state, sender) ?? 0);
      for (const [nonce, hash] of waiting) {
        if (nonce >= next) continue;
        const entry = this.#byHash.get(hash)!;
        this.#drop(hash, entry);
        this.#dropped.push(...entry.verified.transaction.payloads.map(({ id }) => id));
      }
    }
    return settled;
  }

  /** Ids of payloads that no transaction brings into a block any more, unless another one does. */
  takeDropped(): readonly Uint8Array[] {
    return this.#dropped.splice(0);
  }

  #drop(hash: string, { verified }: Entry): void {
    const { sender } = verified;
    const waiting = this.#bySender.get(sender)!;
    waiting.delete(verified.transaction.nonce);
    if (waiting.size === 0) this.#bySender.delete(sender);
    this.#byHash.delete(hash);
    this.#bytes -= verified.size;
    this.wanted.free(verified.transaction.payloads);
  }
}
