import { readState } from '../../chain/index.js';
import { bytesToHex } from '../../crypto/index.js';
import type { Driver } from '../driver/driver.js';
import type { Logger } from '../log.js';
import type { Mempool } from '../mempool.js';
import type { Store } from '../store/index.js';
import { neededNow } from './plan.js';
import { Pruner } from './pruner.js';

/** Loose payloads that are looked at when a node starts; more stay until it starts again. */
const LOOSE_MAX = 65_536;

export interface KeeperOptions {
  readonly store: Store;
  readonly driver: Pick<Driver, 'enqueue' | 'work'>;
  readonly mempool: Mempool;
  /** `all`: payloads stay for good. `window`: they go when their task's audit window is over. */
  readonly retention: 'all' | 'window';
  readonly log: Logger;
}

/**
 * Which payloads leave the disk, and when: those of transactions that no block will have, and, if so configured, those
 * whose audit window is over. Never one that a block being judged or a waiting transaction announces: removal has its
 * turn in the driver's queue, where nothing is judged or adopted meanwhile.
 */
export class Keeper {
  readonly #options: KeeperOptions;
  readonly #pruner: Pruner | null;
  #dropped = 0;

  constructor(options: KeeperOptions) {
    this.#options = options;
    const { store, driver, log } = options;
    const pruning = {
      store,
      isWanted: (id: Uint8Array) => this.#isWanted(id),
      serially: (step: () => Promise<void>) => driver.enqueue(step),
      onError: (error: unknown) => log('error', 'pruning-failed', { error: String(error) }),
    };
    this.#pruner = options.retention === 'window' ? new Pruner(pruning) : null;
  }

  /** Removed since the process began: pruned ones, and those of transactions that no block had. */
  get counts() {
    const { payloads, bytes } = this.#pruner?.counts ?? { payloads: 0, bytes: 0 };
    return { prunedPayloads: payloads, prunedBytes: bytes, droppedPayloadBytes: this.#dropped };
  }

  /** The agreement's own records are read: what a crash or a restart left behind can go. */
  async start(): Promise<void> {
    this.release(await this.#options.store.loosePayloads(LOOSE_MAX));
    this.#pruner?.kick();
  }

  committed(): void {
    this.release(this.#options.mempool.takeDropped());
    this.#pruner?.kick();
  }

  /** Payloads that came with a transaction which no block will have. */
  release(ids: readonly Uint8Array[]): void {
    if (ids.length === 0) return;
    const { store, driver } = this.#options;
    void driver.enqueue(async () => {
      const needed = neededNow(readState(store.state()));
      const gone = ids.filter((id) => !needed.has(bytesToHex(id)) && !this.#isWanted(id));
      this.#dropped += await store.dropLoose(gone);
    });
  }

  close(): void {
    this.#pruner?.close();
  }

  #isWanted(id: Uint8Array): boolean {
    const { mempool, driver } = this.#options;
    if (mempool.wanted.has(id)) return true;
    const name = bytesToHex(id);
    return [...(driver.work?.proposals.values() ?? [])].some(({ block }) =>
      block.transactions.some(({ payloads }) => payloads.some((ref) => bytesToHex(ref.id) === name)),
    );
  }
}
