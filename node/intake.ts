import {
  nonceCell,
  readState,
  type Transaction,
  transactionHash,
  type VerifiedTransaction,
} from '../chain/index.js';
import type { Tip } from '../consensus/index.js';
import { isBarred } from '../contracts/index.js';
import { bytesToHex } from '../crypto/index.js';
import {
  createBatcher,
  type PayloadExchange,
  splitBatch,
  type Transport,
  type Verdict,
} from '../net/index.js';
import { admitEnvelope, mempoolFaults, payloadFault } from './admission.js';
import { openEnvelope, packEnvelope, transactionBatch } from './envelope.js';
import type { Logger } from './log.js';
import type { Measured } from './measured.js';
import { Mempool } from './mempool.js';
import { Relay } from './relay.js';
import type { SubmitFault, Submitted } from './rpc/index.js';
import type { Store } from './store/index.js';

/** As much as a message loses that gossip rejects. */
const WRONG_PAYLOAD_POINTS = 10;

/** These depend on our own tip, which may lag; only what no state can mend is held against a peer. */
const dependsOnTip: ReadonlySet<SubmitFault> = new Set([
  'unknown-sender',
  'suspended',
  'rate-limited',
  'wrong-level',
]);

export interface IntakeOptions {
  readonly chainId: Uint8Array;
  readonly tip: () => Tip;
  readonly store: Store;
  /** Hears of updates that were checked. */
  readonly measured: Measured;
  readonly transport: Transport;
  readonly payloads: PayloadExchange;
  readonly log: Logger;
  /** Payloads that came with a transaction which is not taken: they may be removed, if nobody else wants them. */
  readonly onRefused: (ids: readonly Uint8Array[]) => void;
  /** A transaction waits for a block. */
  readonly onWaiting: () => void;
}

interface Arrival {
  readonly verified: VerifiedTransaction;
  readonly carried: readonly Uint8Array[];
}

/**
 * How transactions come into this node, from clients and from gossip, and out to its peers: checked, payloads on
 * disk, then in the mempool. What a leader may propose is always held.
 */
export class Intake {
  readonly mempool = new Mempool(isBarred);
  readonly #options: IntakeOptions;
  readonly #batcher: ReturnType<typeof createBatcher>;
  readonly #relay: Relay;
  /** Hashes of transactions whose payloads are being pulled: peers announce what waits again and again. */
  readonly #pulling = new Set<string>();
  #closed = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
    const { transport, log } = options;
    this.#batcher = createBatcher({
      ...transactionBatch,
      send: (batch) => transport.publish('transactions', batch),
      onError: (error) => log('warn', 'publish-failed', { error: String(error) }),
    });
    this.#relay = new Relay(this.mempool, (transaction) => this.#passOn(transaction));
    transport.onMessage('transactions', (batch, from) => this.#receive(batch, from));
  }

  close(): void {
    this.#closed = true;
    this.#batcher.close();
  }

  /** Takes a client's transaction: checked, its payloads on disk, then passed on. Does not wait for a block. */
  async submit(transaction: Transaction, payloads: readonly Uint8Array[]): Promise<Submitted> {
    const { store, chainId, tip, onWaiting } = this.#options;
    const acceptedAt = performance.now();
    const hash = transactionHash(transaction);
    if (this.#isSettled(transaction) && store.transaction(hash) !== null)
      return fault(...mempoolFaults.known);
    const admission = admitEnvelope(transaction, chainId, tip());
    if (!admission.ok) return admission;
    const unfit = this.#payloadFault(transaction, payloads);
    if (unfit !== null) return unfit;
    const refused = await this.#holding([transaction], async () => {
      await this.#keep([{ verified: admission.verified, carried: payloads }]);
      return this.mempool.add(admission.verified, readState(tip().state), acceptedAt);
    });
    if (refused !== null) {
      this.#refuse(transaction);
      return fault(...mempoolFaults[refused]);
    }
    this.#passOn(transaction);
    onWaiting();
    return { ok: true, hash };
  }

  pending(hash: Uint8Array): boolean {
    return this.mempool.get(bytesToHex(hash)) !== null;
  }

  /** Passes on again what waits for long. */
  tick(): void {
    this.#relay.tick();
  }

  /** Tells a new link what waits. */
  greet(): void {
    this.#relay.greet();
  }

  #receive(batch: Uint8Array, from: string): Verdict {
    const { chainId, tip, log } = this.#options;
    const arrivals: Arrival[] = [];
    try {
      for (const raw of splitBatch(batch, transactionBatch)) {
        const { transaction, payloads: carried } = openEnvelope(raw);
        const hash = transactionHash(transaction);
        if (this.pending(hash) || this.#isSettled(transaction) || this.#pulling.has(bytesToHex(hash)))
          continue;
        const admission = admitEnvelope(transaction, chainId, tip());
        if (!admission.ok) {
          log('debug', 'gossip-refused', { from, code: admission.code });
          return dependsOnTip.has(admission.code) ? 'ignore' : 'reject';
        }
        arrivals.push({ verified: admission.verified, carried });
      }
    } catch (error) {
      log('debug', 'bad-batch', { from, error: String(error) });
      return 'reject';
    }
    if (arrivals.length === 0) return 'ignore';
    void this.#take(arrivals, from);
    return 'accept';
  }

  /** What came with its payloads, or has none, together and with one write; the payloads of the others are pulled. */
  async #take(arrivals: readonly Arrival[], from: string): Promise<void> {
    const { transport, log } = this.#options;
    const isWhole = ({ verified, carried }: Arrival) =>
      carried.length > 0 || verified.transaction.payloads.length === 0;
    for (const { verified } of arrivals.filter((arrival) => !isWhole(arrival)))
      void this.#pull(verified, from);
    const fit = arrivals.filter(isWhole).filter(({ verified, carried }) => {
      const unfit = this.#payloadFault(verified.transaction, carried);
      if (unfit !== null) log('debug', 'gossip-refused', { from, code: unfit.code });
      // Whoever carries payloads has looked at them; what the state refuses may be honest on another tip.
      if (unfit?.code === 'payload-mismatch') {
        transport.penalize(from, WRONG_PAYLOAD_POINTS, 'wrong payload carried');
      }
      return unfit === null;
    });
    try {
      const transactions = fit.map(({ verified }) => verified.transaction);
      await this.#holding(transactions, async () => {
        await this.#keep(fit);
        for (const { verified } of fit) this.#pool(verified);
      });
      for (const { verified } of fit) if (!this.pending(verified.hash)) this.#refuse(verified.transaction);
    } catch (error) {
      log('warn', 'payloads-not-kept', { error: String(error) });
    }
  }

  async #pull(verified: VerifiedTransaction, from: string): Promise<void> {
    const { store, transport, payloads, log } = this.#options;
    const { transaction } = verified;
    const hash = bytesToHex(verified.hash);
    this.#pulling.add(hash);
    this.mempool.wanted.hold(transaction.payloads);
    try {
      const peers = [from, ...transport.connectedPeers().filter((peer) => peer !== from)];
      await Promise.all(transaction.payloads.map(({ id, size }) => payloads.fetch(id, size, peers)));
      // Read when all are held: while others are under way, none is in memory.
      const pulled = transaction.payloads.map(({ id }) => store.payload(id)!);
      const unfit = this.#payloadFault(transaction, pulled);
      if (unfit !== null) log('debug', 'gossip-refused', { from, code: unfit.code });
      else this.#pool(verified);
    } catch (error) {
      log('debug', 'payload-missing', { from, error: String(error) });
    } finally {
      this.mempool.wanted.free(transaction.payloads);
      if (!this.pending(verified.hash)) this.#refuse(transaction);
      this.#pulling.delete(hash);
    }
  }

  #payloadFault(transaction: Transaction, payloads: readonly Uint8Array[]): ReturnType<typeof payloadFault> {
    const { tip, measured } = this.#options;
    const fault = payloadFault(transaction, payloads, tip().state);
    if (fault === null)
      for (const [i, { id }] of transaction.payloads.entries()) measured.note(id, payloads[i]!);
    return fault;
  }

  #pool(verified: VerifiedTransaction): void {
    const { tip, onWaiting } = this.#options;
    if (this.#closed) return;
    // A negative time: accepted elsewhere, so its finality is not this node's to measure.
    if (this.mempool.add(verified, readState(tip().state), -1) === null) onWaiting();
  }

  /** In a block already, or never in any: its nonce is used. Asks memory alone, where the store would ask the disk. */
  #isSettled({ from, nonce }: Transaction): boolean {
    return nonce < (nonceCell.get(readState(this.#options.tip().state), bytesToHex(from)) ?? 0);
  }

  async #keep(arrivals: readonly Arrival[]): Promise<void> {
    const payloads = arrivals.flatMap(({ verified, carried }) =>
      verified.transaction.payloads.map(({ id }, i) => ({ id, bytes: carried[i]! })),
    );
    if (payloads.length > 0) await this.#options.store.putPayloads(payloads);
  }

  /** While the work runs, nobody removes the payloads of these. */
  async #holding<T>(transactions: readonly Transaction[], work: () => Promise<T>): Promise<T> {
    const refs = transactions.flatMap(({ payloads }) => payloads);
    this.mempool.wanted.hold(refs);
    try {
      return await work();
    } finally {
      this.mempool.wanted.free(refs);
    }
  }

  #refuse({ payloads }: Transaction): void {
    if (payloads.length > 0) this.#options.onRefused(payloads.map(({ id }) => id));
  }

  #passOn(transaction: Transaction): void {
    this.#batcher.add(packEnvelope(transaction, (id) => this.#options.store.payload(id)));
  }
}

function fault(code: SubmitFault, detail: string): Submitted {
  return { ok: false, code, detail };
}
