import { limits, nonceCell, type StateReader, type VerifiedTransaction } from '../chain/index.js';
import { Wanted } from './wanted.js';

export const mempoolLimits = {
  transactionsMax: 5_000,
  bytesMax: 64 * 1024 * 1024,
  /** How far ahead of the state a sender's nonces may run. */
  nonceGapMax: 64,
  /**
   * A level may hold so many times what is still free, of places and of bytes: one alone gets 4/5 of the mempool, two
   * get 4/9 each, and however many fill it there is room for the next.
   */
  levelShare: 4,
} as const;

export type MempoolFault = 'known' | 'wrong-nonce' | 'mempool-full';

interface Entry {
  readonly verified: VerifiedTransaction;
  readonly acceptedAt: number;
}

/**
 * Transactions that wait for a block, payloads held. One owner: the node. Bounded by count, by bytes, per sender and
 * per level; one transaction a sender and nonce, the first that came.
 */
export class Mempool {
  readonly #byHash = new Map<string, Entry>();
  /** Payloads of those that wait: they stay on disk. */
  readonly wanted = new Wanted();
  /** Payloads of those that were dropped and can stand in no block, since the last `takeDropped`. */
  #dropped: Uint8Array[] = [];
  readonly #bySender = new Map<string, Map<number, string>>();
  /** What waits at each level; none that has nothing. */
  readonly #byLevel = new Map<number, { count: number; bytes: number }>();
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
    if (this.#isFull(transaction.level, size)) return 'mempool-full';
    this.#byHash.set(hash, { verified, acceptedAt });
    this.#bySender.set(sender, waiting.set(nonce, hash));
    this.#account(transaction.level, 1, size);
    this.wanted.hold(transaction.payloads);
    return null;
  }

  /**
   * What a leader may put into a block on this state: in order of arrival, each sender's nonces without gaps. As much
   * as a block holds, and more only until every level that waits is there: a flood of one hides no other.
   */
  candidates(state: StateReader): readonly VerifiedTransaction[] {
    const taken: VerifiedTransaction[] = [];
    const seen = new Set<string>();
    const levels = new Set<number>();
    for (const { verified } of this.#byHash.values()) {
      const { sender } = verified;
      if (seen.has(sender)) continue;
      seen.add(sender);
      const waiting = this.#bySender.get(sender)!;
      for (let nonce = nonceCell.get(state, sender) ?? 0; waiting.has(nonce); nonce += 1) {
        const { verified: next } = this.#byHash.get(waiting.get(nonce)!)!;
        taken.push(next);
        levels.add(next.transaction.level);
      }
      if (taken.length >= limits.transactionsPerBlockMax && levels.size === this.#byLevel.size) break;
    }
    return taken;
  }

  /** Levels of the task transactions that are next of their senders and may stand now, 0 not among them. */
  waitingLevels(
    state: StateReader,
    mayStand: (verified: VerifiedTransaction) => boolean,
  ): ReadonlySet<number> {
    const levels = new Set<number>();
    if (this.#byLevel.size === 0 || (this.#byLevel.size === 1 && this.#byLevel.has(0))) return levels;
    for (const [sender, waiting] of this.#bySender) {
      const hash = waiting.get(nonceCell.get(state, sender) ?? 0);
      if (hash === undefined) continue;
      const { verified } = this.#byHash.get(hash)!;
      const { level } = verified.transaction;
      if (level !== 0 && !levels.has(level) && mayStand(verified)) levels.add(level);
    }
    return levels;
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
    this.#account(verified.transaction.level, -1, -verified.size);
    this.wanted.free(verified.transaction.payloads);
  }

  #isFull(level: number, size: number): boolean {
    const { transactionsMax, bytesMax, levelShare } = mempoolLimits;
    const free = { count: transactionsMax - this.#byHash.size, bytes: bytesMax - this.#bytes };
    if (free.count <= 0 || free.bytes < size) return true;
    const { count, bytes } = this.#byLevel.get(level) ?? { count: 0, bytes: 0 };
    return count >= levelShare * free.count || bytes >= levelShare * free.bytes;
  }

  #account(level: number, transactions: number, bytes: number): void {
    this.#bytes += bytes;
    const before = this.#byLevel.get(level) ?? { count: 0, bytes: 0 };
    const count = before.count + transactions;
    if (count === 0) this.#byLevel.delete(level);
    else this.#byLevel.set(level, { count, bytes: before.bytes + bytes });
  }
}
