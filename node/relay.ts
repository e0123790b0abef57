import type { Transaction } from '../chain/index.js';

import type { Mempool } from './mempool.js';

/** How many waiting transactions are passed on again at a time; the others follow when these are in a block. */
const AGAIN_MAX = 64;

/**
 * Passes waiting transactions on again: gossip promises no delivery, and one that reached a single validator
 * would wait for that one to lead. One that waits from one tick to the next is sent again; a new link gets all.
 */
export class Relay {
  readonly #mempool: Mempool;
  readonly #send: (transaction: Transaction) => void;
  #waited: ReadonlySet<string> = new Set();

  constructor(mempool: Mempool, send: (transaction: Transaction) => void) {
    this.#mempool = mempool;
    this.#send = send;
  }

  tick(): void {
    const waiting = this.#mempool.oldest(AGAIN_MAX);
    this.#sendThose(waiting.filter(({ id }) => this.#waited.has(id)));
    this.#waited = new Set(waiting.map(({ id }) => id));
  }

  /** To a link that has just begun. */
  greet(): void {
    this.#sendThose(this.#mempool.oldest(AGAIN_MAX));
  }

  #sendThose(waiting: ReturnType<Mempool['oldest']>): void {
    for (const { transaction } of waiting) this.#send(transaction);
  }
}
