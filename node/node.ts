import { readState, type Transaction, transactionHash, type VerifiedTransaction } from '../chain/index.js';
import { faultyOf, type Judged, nextCommittee, type Tip } from '../consensus/index.js';
import { type EnrolmentTerms, paramsCell, signEnrolment } from '../contracts/index.js';
import { bytesToHex, publicKeyOf } from '../crypto/index.js';
import type { ChainStart } from '../genesis/index.js';
import {
  createBatcher,
  createPayloadExchange,
  type PayloadExchange,
  splitBatch,
  type Transport,
  type Verdict,
} from '../net/index.js';
import { watchAbstention } from './abstention.js';
import { admitEnvelope, mempoolFaults, payloadFault } from './admission.js';
import { type Clock, systemClock } from './driver/clock.js';
import type { Closer } from './driver/closer.js';
import { Driver } from './driver/driver.js';
import { Accuser } from './driver/evidence.js';
import { Inbox } from './driver/inbox.js';
import { encodeMessage } from './driver/message.js';
import { Sync } from './driver/sync.js';
import { openEnvelope, packEnvelope, transactionBatch } from './envelope.js';
import { FinalityWindow } from './finality.js';
import type { Logger } from './log.js';
import { Mempool } from './mempool.js';
import { Relay } from './relay.js';
import type { SubmitFault, Submitted } from './rpc/index.js';
import { Standing } from './standing.js';
import type { Store } from './store/index.js';
import { tipOf } from './tip.js';

const STATUS_EVERY_MS = 1_000;
const STATUS_MIN_GAP_MS = 100;
const WAITERS_MAX = 1_024;
const CAUGHT_UP_LOOK_MS = 100;

export interface NodeOptions {
  readonly chain: ChainStart;
  readonly store: Store;
  readonly transport: Transport;
  readonly closer: Closer;
  readonly keys: { readonly secret: Uint8Array; readonly vrfSecret: Uint8Array };
  readonly log: Logger;
  readonly onFatal: (error: Error) => void;
  /** A block was decided: the state may name other peers than before. */
  readonly onCommit?: (tip: Tip) => void;
  readonly clock?: Clock;
}

/** A validator: store, mempool, driver and network tied together. What RPC and devices see of it. */
export class Node {
  readonly publicKey: Uint8Array;
  readonly finality = new FinalityWindow();
  readonly mempool = new Mempool();
  readonly #options: NodeOptions;
  readonly #clock: Clock;
  readonly #driver: Driver;
  readonly #inbox: Inbox;
  readonly #sync: Sync;
  readonly #payloads: PayloadExchange;
  readonly #batcher: ReturnType<typeof createBatcher>;
  readonly #relay: Relay;
  readonly #accuser: Accuser;
  readonly #standing = new Standing();
  readonly #abstention: { look(): void };
  readonly #waiters = new Set<() => void>();
  #lastStatusAt = 0;
  #cancelStatus: () => void = () => {};
  #closed = false;

  constructor(options: NodeOptions) {
    this.#options = options;
    const { chain, store, transport, keys, log, onFatal } = options;
    this.#clock = options.clock ?? systemClock;
    this.publicKey = publicKeyOf(keys.secret);
    const payloadStore = {
      has: (id: Uint8Array) => store.hasPayload(id),
      get: (id: Uint8Array) => store.payload(id),
      put: (id: Uint8Array, payload: Uint8Array) => store.putPayload(id, payload),
    };
    this.#payloads = createPayloadExchange({ transport, store: payloadStore });
    const tip = tipOf(store, chain);
    this.#driver = new Driver({
      rules: chain.rules,
      params: paramsCell.get(readState(tip.state))!,
      tip,
      store,
      mempool: this.mempool,
      transport,
      payloads: this.#payloads,
      closer: options.closer,
      clock: this.#clock,
      keys: { ...keys, publicKey: this.publicKey },
      log,
      requestProposal: (peer, height, value) => this.#sync.requestProposal(peer, height, value),
      onOffence: (evidence) => this.#accuser.report(evidence),
      onCommit: (judged) => this.#committed(judged),
      onBegin: () => this.#inbox.replay(),
      onFatal,
    });
    this.#inbox = new Inbox({
      driver: this.#driver,
      chainId: chain.chainId,
      onStatus: (from, height) => this.#heardStatus(from, height),
      onBehind: () => this.#sendStatus(),
    });
    this.#sync = new Sync({
      driver: this.#driver,
      rules: chain.rules,
      store,
      transport,
      payloads: this.#payloads,
      log,
    });
    this.#batcher = createBatcher({
      intervalMs: transactionBatch.intervalMs,
      bytesMax: transactionBatch.bytesMax,
      send: (batch) => transport.publish('transactions', batch),
      onError: (error) => log('warn', 'publish-failed', { error: String(error) }),
    });
    this.#relay = new Relay(this.mempool, (transaction) => this.#passOn(transaction));
    this.#accuser = new Accuser({
      chainId: chain.chainId,
      keys: { ...keys, publicKey: this.publicKey },
      tip: () => this.tip,
      mempool: this.mempool,
      isOnChain: (hash) => store.transaction(hash) !== null,
      submit: (transaction) => this.submit(transaction, []),
      log,
    });
    this.#abstention = watchAbstention({
      store,
      standing: this.#standing,
      self: bytesToHex(this.publicKey),
      height: () => this.tip.height,
      members: () => nextCommittee(chain.rules, this.tip).map(({ publicKey }) => bytesToHex(publicKey)),
      log,
      onFatal,
    });
    transport.onPeer((_, state) => state === 'connected' && this.#greet());
    transport.onMessage('consensus', (message, from) => this.#inbox.receive(message, from));
    transport.onMessage('transactions', (batch, from) => this.#receiveTransactions(batch, from));
  }

  get tip(): Tip {
    return this.#driver.tip;
  }

  async start(): Promise<void> {
    await this.#options.transport.start();
    await this.#driver.start();
    this.#tellStatus();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelStatus();
    this.#batcher.close();
    this.#payloads.close();
    for (const wake of this.#waiters) wake();
    await this.#driver.close();
    await this.#options.transport.stop();
    await this.#options.closer.close();
    await this.#options.store.close();
  }

  /** Takes a client's transaction: checked, its payloads on disk, then passed on. Does not wait for a block. */
  async submit(transaction: Transaction, payloads: readonly Uint8Array[]): Promise<Submitted> {
    const { chain, store } = this.#options;
    const acceptedAt = performance.now();
    const hash = transactionHash(transaction);
    if (store.transaction(hash) !== null) return fault(...mempoolFaults.known);
    const admission = admitEnvelope(transaction, chain.chainId, this.tip.state);
    if (!admission.ok) return admission;
    const unfit = payloadFault(transaction, payloads, this.tip.state);
    if (unfit !== null) return unfit;
    await this.#keepPayloads(transaction, payloads);
    const refused = this.mempool.add(admission.verified, readState(this.tip.state), acceptedAt);
    if (refused !== null) return fault(...mempoolFaults[refused]);
    this.#passOn(transaction);
    this.#driver.wake();
    return { ok: true, hash };
  }

  pending(hash: Uint8Array): boolean {
    return this.mempool.get(bytesToHex(hash)) !== null;
  }

  nextNonce(publicKey: Uint8Array): number {
    return this.mempool.nextNonce(bytesToHex(publicKey), readState(this.tip.state));
  }

  agreement(): { height: number; period: number; active: boolean } {
    const { work, tip } = this.#driver;
    const height = tip.height + 1;
    return { height, period: work?.machine.period ?? 0, active: work?.machine.active ?? false };
  }

  /** Resolves when the head is above `height`, or after `timeoutMs`. */
  waitForChange({ height }: { readonly height: number }, timeoutMs: number): Promise<void> {
    if (this.tip.height > height || this.#closed || this.#waiters.size >= WAITERS_MAX)
      return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        cancel();
        this.#waiters.delete(done);
        resolve();
      };
      const cancel = this.#clock.after(timeoutMs, done);
      this.#waiters.add(done);
    });
  }

  /**
   * Resolves once this node stands where f+1 others say that they stand, or after `timeoutMs`: what is read from a
   * node that is catching up is old.
   */
  async caughtUp(timeoutMs: number, signal: AbortSignal): Promise<void> {
    const end = this.#clock.now() + timeoutMs;
    while (!signal.aborted && !this.#closed && this.#clock.now() < end) {
      const members = nextCommittee(this.#options.chain.rules, this.tip).length;
      if (members === 1 || !this.#standing.isBehind(this.tip.height, faultyOf(members))) return;
      await new Promise<void>((resolve) => this.#clock.after(CAUGHT_UP_LOOK_MS, resolve));
    }
  }

  /** Signs the terms of an enrolment. Whether it should is the caller's question: the RPC method checks it. */
  approve(terms: EnrolmentTerms): Uint8Array {
    return signEnrolment(this.#options.chain.chainId, terms, this.#options.keys.secret);
  }

  metrics(): Readonly<Record<string, number>> {
    const { tip } = this;
    return {
      height: tip.height,
      mempoolTransactions: this.mempool.size,
      peers: this.#options.transport.connectedPeers().length,
      finalityCount: this.finality.count,
      finalityMsP50: this.finality.quantile(0.5) ?? 0,
      finalityMsP95: this.finality.quantile(0.95) ?? 0,
    };
  }

  #committed({ block, executed, tip }: Judged): void {
    const hashes = executed.receipts.flatMap(({ transaction }) =>
      transaction === null ? [] : [bytesToHex(transaction)],
    );
    const now = performance.now();
    for (const { acceptedAt } of this.mempool.settle(hashes, readState(tip.state))) {
      if (acceptedAt >= 0) this.finality.add(now - acceptedAt);
    }
    this.#options.log('info', 'commit', {
      height: tip.height,
      hash: bytesToHex(tip.hash).slice(0, 16),
      transactions: block.transactions.length,
      empty: block.header.leader === null,
    });
    this.#accuser.settle();
    this.#options.onCommit?.(tip);
    for (const wake of [...this.#waiters]) wake();
    this.#abstention.look();
  }

  #receiveTransactions(batch: Uint8Array, from: string): Verdict {
    const { chain, store, log } = this.#options;
    let fresh = false;
    try {
      for (const raw of splitBatch(batch, transactionBatch)) {
        const { transaction, payloads } = openEnvelope(raw);
        const hash = transactionHash(transaction);
        if (this.pending(hash) || store.transaction(hash) !== null) continue;
        const admission = admitEnvelope(transaction, chain.chainId, this.tip.state);
        if (!admission.ok) {
          log('debug', 'gossip-refused', { from, code: admission.code });
          // Sender and level depend on our own tip, which may lag; only what no state can mend is held against a peer.
          return admission.code === 'unknown-sender' || admission.code === 'wrong-level'
            ? 'ignore'
            : 'reject';
        }
        fresh = true;
        void this.#takeGossiped(admission.verified, payloads, from);
      }
    } catch (error) {
      log('debug', 'bad-batch', { from, error: String(error) });
      return 'reject';
    }
    return fresh ? 'accept' : 'ignore';
  }

  /** From a peer: payloads first, since only a transaction whose payloads are held can be proposed. */
  async #takeGossiped(
    verified: VerifiedTransaction,
    carried: readonly Uint8Array[],
    from: string,
  ): Promise<void> {
    const { log, transport } = this.#options;
    const { transaction } = verified;
    try {
      const isCarried = carried.length > 0;
      const payloads = isCarried ? carried : await this.#pullPayloads(transaction, from);
      const unfit = payloadFault(transaction, payloads, this.tip.state);
      if (unfit !== null) {
        log('debug', 'gossip-refused', { from, code: unfit.code });
        // Whoever carries payloads has looked at them; what the state refuses may be honest on another tip.
        if (isCarried && unfit.code === 'payload-mismatch')
          transport.penalize(from, 10, 'wrong payload carried');
        return;
      }
      if (isCarried) await this.#keepPayloads(transaction, payloads);
      this.#pool(verified);
    } catch (error) {
      log('debug', 'payload-missing', { from, error: String(error) });
    }
  }

  #pullPayloads({ payloads }: Transaction, from: string): Promise<readonly Uint8Array[]> {
    const { store, transport } = this.#options;
    const peers = [from, ...transport.connectedPeers().filter((peer) => peer !== from)];
    return Promise.all(
      payloads.map(({ id, size }) => store.payload(id) ?? this.#payloads.fetch(id, size, peers)),
    );
  }

  async #keepPayloads({ payloads: refs }: Transaction, payloads: readonly Uint8Array[]): Promise<void> {
    const { store } = this.#options;
    await store.putPayloads(refs.map(({ id }, i) => ({ id, bytes: payloads[i]! })));
  }

  #passOn(transaction: Transaction): void {
    this.#batcher.add(packEnvelope(transaction, (id) => this.#options.store.payload(id)));
  }

  #pool(verified: VerifiedTransaction): void {
    if (this.#closed || this.#options.store.transaction(verified.hash) !== null) return;
    // A negative time: accepted elsewhere, so its finality is not this node's to measure.
    if (this.mempool.add(verified, readState(this.tip.state), -1) === null) this.#driver.wake();
  }

  #heardStatus(from: string, height: number): void {
    this.#standing.heard(from, height);
    this.#abstention.look();
    if (height > this.tip.height) this.#sync.follow(from, height);
    else if (height < this.tip.height) this.#sendStatus();
  }

  #tellStatus(): void {
    if (this.#closed) return;
    this.#sendStatus();
    this.#relay.tick();
    this.#cancelStatus = this.#clock.after(STATUS_EVERY_MS, () => this.#tellStatus());
  }

  /** A peer that was away knows neither where we stand nor what waits. */
  #greet(): void {
    if (this.#closed) return;
    this.#lastStatusAt = 0;
    this.#sendStatus();
    this.#relay.greet();
  }

  /** Says where we stand; at most every STATUS_MIN_GAP_MS, since many may be behind at once. */
  #sendStatus(): void {
    const now = this.#clock.now();
    // A clock that was set back must not silence the node until it has come to where it was.
    if (this.#closed || Math.abs(now - this.#lastStatusAt) < STATUS_MIN_GAP_MS) return;
    this.#lastStatusAt = now;
    const { height, hash } = this.tip;
    try {
      this.#options.transport.publish(
        'consensus',
        encodeMessage({ kind: 'status', status: { height, hash } }),
      );
    } catch (error) {
      this.#options.log('debug', 'publish-failed', { error: String(error) });
    }
  }
}

function fault(code: SubmitFault, detail: string): Submitted {
  return { ok: false, code, detail };
}
