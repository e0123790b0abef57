import { readState } from '../../chain/index.js';
import { hexToBytes } from '../../crypto/index.js';
import { baseHeight, type Store } from '../store/index.js';
import { auditHeightsOf, neededNow, PruningPlan } from './plan.js';

/** A turn feeds heights for so long, at least one, and removes so many payloads in one write. */
const TURN_MS = 5;
const REMOVED_A_TURN = 32;

export interface PrunerOptions {
  readonly store: Pick<Store, 'base' | 'head' | 'block' | 'state' | 'hasPayload' | 'prunePayloads'>;
  /** Something waits for it: a transaction that is not in a block yet, a block that is being judged. */
  readonly isWanted: (id: Uint8Array) => boolean;
  /** Runs a step while no block is judged or adopted. */
  readonly serially: (step: () => Promise<void>) => Promise<void>;
  readonly onError: (error: unknown) => void;
  /** A task whose payloads go at once, whatever its audit window. */
  readonly erase?: number;
}

/**
 * Removes payloads whose audit window is over, in the background: reads every height once, from the first on, then
 * each new one, and removes a few payloads at a time. Nothing is removed before all heights were read, since a later
 * one may name the same bytes. It keeps nothing on disk: after a restart it reads again.
 */
export class Pruner {
  readonly #options: PrunerOptions;
  readonly #plan: PruningPlan;
  readonly #queue: string[] = [];
  #running = false;
  #closed = false;
  #payloads = 0;
  #bytes = 0;

  constructor(options: PrunerOptions) {
    this.#options = options;
    const { store } = options;
    this.#plan = new PruningPlan({
      base: baseHeight(store),
      auditHeights: (task) => auditHeightsOf(readState(store.state()), task),
      isHeld: (id) => store.hasPayload(hexToBytes(id)),
      ...(options.erase === undefined ? {} : { erase: options.erase }),
    });
  }

  /** Removed since the process began. */
  get counts(): { readonly payloads: number; readonly bytes: number } {
    return { payloads: this.#payloads, bytes: this.#bytes };
  }

  /** A block was committed: there may be something to do. Does not wait for it. */
  kick(): void {
    if (this.#running || this.#closed) return;
    this.#running = true;
    void this.runOut()
      .catch(this.#options.onError)
      .finally(() => {
        this.#running = false;
      });
  }

  /** All that can be done now, turn by turn. */
  async runOut(): Promise<void> {
    while (!this.#closed && (await this.turn())) await new Promise((resolve) => setImmediate(resolve));
  }

  close(): void {
    this.#closed = true;
  }

  /** One bounded piece of work. False: there is none. */
  async turn(): Promise<boolean> {
    const { store, serially } = this.#options;
    if (this.#plan.height < store.head.height) {
      this.#feed();
      return true;
    }
    if (this.#queue.length === 0) this.#queue.push(...this.#plan.dueBy(store.head.height));
    if (this.#queue.length === 0) return false;
    const ids = this.#queue.splice(0, REMOVED_A_TURN);
    await serially(() => this.#remove(ids));
    return true;
  }

  #feed(): void {
    const { store } = this.#options;
    const end = performance.now() + TURN_MS;
    do {
      const { block, receipts } = store.block(this.#plan.height + 1)!;
      const { height } = block.header;
      this.#plan.feed({ height, transactions: block.transactions, receipts });
    } while (this.#plan.height < store.head.height && performance.now() < end);
  }

  async #remove(ids: readonly string[]): Promise<void> {
    const { store, isWanted } = this.#options;
    // A block that came meanwhile may name them again.
    while (this.#plan.height < store.head.height) this.#feed();
    const needed = neededNow(readState(store.state()));
    const gone: Uint8Array[] = [];
    for (const id of ids) {
      const bytes = hexToBytes(id);
      if (needed.has(id) || isWanted(bytes)) this.#plan.back(id, store.head.height);
      else if (store.hasPayload(bytes)) gone.push(bytes);
    }
    if (gone.length === 0) return;
    this.#bytes += await store.prunePayloads(gone);
    this.#payloads += gone.length;
  }
}
