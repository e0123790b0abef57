import { readState, signTransaction, type Transaction, toNode } from '../chain/index.js';
import type { Tip } from '../consensus/index.js';
import { claimFault, claimTurnCodec, lastUse, senderOf, turnsOf } from '../contracts/index.js';
import { bytesToHex } from '../crypto/index.js';
import type { Logger } from './log.js';
import type { Mempool } from './mempool.js';
import type { Submitted } from './rpc/index.js';

export interface TurnWatchOptions {
  readonly chainId: Uint8Array;
  readonly keys: { readonly publicKey: Uint8Array; readonly secret: Uint8Array };
  readonly tip: () => Tip;
  readonly mempool: Pick<Mempool, 'waitingLevels' | 'nextNonce' | 'get'>;
  readonly submit: (transaction: Transaction) => Promise<Submitted>;
  readonly log: Logger;
}

/**
 * Looks after each block whether a level that waits here is passed by, and then claims its turn on chain
 * (`turns.claim`), signed by this validator.
 *
 * Leaders that take levels in turn serve each one within as many task blocks as there are levels that wait: only
 * after more of them is a claim needed. One claim waits for a block at a time.
 */
export class TurnWatch {
  readonly #options: TurnWatchOptions;
  /** Task blocks that there were when a level began to wait, or had its last block. */
  readonly #since = new Map<number, number>();
  #pending: string | null = null;
  #isBusy = false;

  constructor(options: TurnWatchOptions) {
    this.#options = options;
  }

  look(): void {
    const { tip, mempool } = this.#options;
    const { height, state: tree } = tip();
    const state = readState(tree);
    const waiting = mempool.waitingLevels(state, (verified) => senderOf(state, height + 1, verified).ok);
    for (const level of [...this.#since.keys()]) if (!waiting.has(level)) this.#since.delete(level);
    if (waiting.size === 0) return;
    const turns = turnsOf(state);
    for (const level of waiting) {
      const since = Math.max(this.#since.get(level) ?? turns.blocks, lastUse(turns, level));
      this.#since.set(level, since);
    }
    const starved = [...waiting].find((level) => turns.blocks - this.#since.get(level)! > waiting.size);
    if (starved === undefined || this.#isBusy) return;
    if (this.#pending !== null && mempool.get(this.#pending) !== null) return;
    const { keys } = this.#options;
    if (claimFault(state, keys.publicKey, starved, height + 1) !== null) return;
    void this.#claim(starved);
  }

  async #claim(level: number): Promise<void> {
    const { submit, log } = this.#options;
    this.#isBusy = true;
    try {
      const submitted = await submit(this.#sign(level));
      this.#pending = submitted.ok ? bytesToHex(submitted.hash) : null;
      log('info', 'turn-claimed', { level, sent: this.#pending ?? (submitted.ok || submitted.code) });
    } catch (error) {
      // The node closes: whoever still waits is claimed for by others.
      log('debug', 'turn-not-claimed', { level, error: String(error) });
    } finally {
      this.#isBusy = false;
    }
  }

  #sign(level: number): Transaction {
    const { chainId, keys, mempool, tip } = this.#options;
    const from = keys.publicKey;
    const nonce = mempool.nextNonce(bytesToHex(from), readState(tip().state));
    const call = { contract: 'turns', method: 'claim', args: toNode(claimTurnCodec, { level }) };
    return signTransaction({ chainId, level: 0, from, nonce, ...call, payloads: [] }, keys.secret);
  }
}
