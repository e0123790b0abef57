import { readState, type Transaction } from '../chain/index.js';
import { faultyOf, type Judged, nextCommittee, RING_ERAS_KEPT, type Tip } from '../consensus/index.js';
import { type EnrolmentTerms, paramsCell, signEnrolment } from '../contracts/index.js';
import { bytesToHex, publicKeyOf } from '../crypto/index.js';
import type { ChainStart } from '../genesis/index.js';
import {
  createPayloadExchange,
  type PartialPayloads,
  type PayloadExchange,
  type PayloadStore,
  type Transport,
} from '../net/index.js';
import { watchAbstention } from './abstention.js';
import { Answers } from './driver/answers.js';
import { type Certifier, certifierHere } from './driver/certifier.js';
import { type Clock, systemClock } from './driver/clock.js';
import type { Closer } from './driver/closer.js';
import { Driver } from './driver/driver.js';
import { Accuser } from './driver/evidence.js';
import { Inbox } from './driver/inbox.js';
import { MarkedInputs } from './driver/marks.js';
import { noOffenceFile, type OffenceFile } from './driver/offences.js';
import { recallFrom } from './driver/recall.js';
import { Sync } from './driver/sync.js';
import { Witness } from './driver/witness.js';
import { FinalityWindow } from './finality.js';
import { type Health, healthOf, linksNeeded, READY_BEHIND_HEIGHTS } from './health.js';
import { Intake } from './intake.js';
import type { Logger } from './log.js';
import { createMeasured, type Measured } from './measured.js';
import type { Mempool } from './mempool.js';
import { type PeerClock, type PeerClocks, watchPeerClocks } from './peerClocks.js';
import { Keeper } from './pruning/keeper.js';
import type { Submitted } from './rpc/index.js';
import { serveSnapshots } from './snapshot/index.js';
import { Standing } from './standing.js';
import { StatusTeller } from './statusTeller.js';
import type { Store } from './store/index.js';
import { tipOf } from './tip.js';
import { TurnWatch } from './turnWatch.js';

const STATUS_EVERY_MS = 1_000;
const WAITERS_MAX = 1_024;
/** As much as a message loses that gossip rejects. */
const OFFENCE_POINTS = 10;
const CAUGHT_UP_LOOK_MS = 100;
const CLOCK_WARNING_EVERY_MS = 60_000;

export interface NodeOptions {
  readonly chain: ChainStart;
  readonly store: Store;
  readonly transport: Transport;
  /** Where chunks of unfinished payloads lie. Default: in memory. */
  readonly partials?: PartialPayloads;
  readonly closer: Closer;
  /** Default: in this thread. */
  readonly certifier?: Certifier;
  readonly keys: { readonly secret: Uint8Array; readonly vrfSecret: Uint8Array };
  readonly log: Logger;
  readonly onFatal: (error: Error) => void;
  /** A block was decided: the state may name other peers than before. */
  readonly onCommit?: (tip: Tip) => void;
  readonly clock?: Clock;
  /** Whether payloads go when their audit window is over. Default: they stay. */
  readonly retention?: 'all' | 'window';
  /** Blocks begin so many ms apart at the least. Default: one follows the other. */
  readonly blockSpacingMs?: number;
  /** Where offences wait for a block; without one a crash takes them. */
  readonly offences?: OffenceFile;
  /** Further behind the others than this, the node is not ready. */
  readonly readyBehindHeights?: number;
}

/** A validator: store, mempool, driver and network tied together. What RPC and devices see of it. */
export class Node {
  readonly publicKey: Uint8Array;
  readonly finality = new FinalityWindow();
  readonly #options: NodeOptions;
  readonly #clock: Clock;
  readonly #driver: Driver;
  readonly #inbox: Inbox;
  readonly #sync: Sync;
  readonly #answers: Answers;
  readonly #payloads: PayloadExchange;
  readonly #intake: Intake;
  readonly #accuser: Accuser;
  readonly #turns: TurnWatch;
  readonly #keeper: Keeper;
  readonly #standing = new Standing();
  readonly #teller: StatusTeller;
  readonly #abstention: { look(): void };
  readonly #clocks: PeerClocks;
  readonly #snapshots: { committed(writes: number): void };
  readonly #waiters = new Set<() => void>();
  #tip: Tip;
  #warnedAt = Number.NEGATIVE_INFINITY;
  #cancelStatus: () => void = () => {};
  #closed = false;

  constructor(options: NodeOptions) {
    this.#options = options;
    const { chain, store, transport, keys, log, onFatal } = options;
    this.#clock = options.clock ?? systemClock;
    this.publicKey = publicKeyOf(keys.secret);
    const measured = createMeasured(store);
    this.#payloads = createPayloadExchange({
      transport,
      store: payloadStoreOf(store),
      ...(options.partials && { partials: options.partials }),
    });
    this.#intake = this.#createIntake(options, measured);
    const tip = tipOf(store, chain);
    this.#tip = tip;
    const witness = new Witness({
      window: RING_ERAS_KEPT * chain.rules.eraHeights,
      onOffence: (evidence) => this.#accuser.report(evidence),
      before: recallFrom(options, tip),
    });
    const marks = this.#createMarks(options);
    this.#driver = new Driver({
      marks,
      rules: chain.rules,
      params: paramsCell.get(readState(tip.state))!,
      tip,
      store,
      payloadOf: measured.payload,
      mempool: this.mempool,
      transport,
      payloads: this.#payloads,
      closer: options.closer,
      clock: this.#clock,
      blockSpacingMs: options.blockSpacingMs ?? 0,
      keys: { ...keys, publicKey: this.publicKey },
      log,
      onOffence: (evidence) => this.#accuser.report(evidence),
      onDecided: (work, hash, votes) => witness.decided(work, hash, votes),
      onMissed: (work, input) => witness.missed(work, input),
      requestProposal: (peer, height, value) => this.#answers.requestProposal(peer, height, value),
      isDecided: (height) => this.#sync.isDecided(height),
      onPulled: ({ judged, certificate }) => witness.pulled(judged.tip, certificate),
      onCommit: (run) => this.#committed(run),
      onBegin: () => this.#inbox.replay(),
      onFatal,
    });
    const { retention = 'all' } = options;
    this.#keeper = new Keeper({ store, driver: this.#driver, mempool: this.mempool, retention, log });
    this.#inbox = new Inbox({
      driver: this.#driver,
      chainId: chain.chainId,
      witness,
      now: () => this.#clock.monotonic(),
      onStatus: (from, height, period) => this.#heardStatus(from, height, period),
      onBehind: (from, height) => this.#answers.behind(from, height),
      onOffence: (from, fault) => transport.penalize(from, OFFENCE_POINTS, `a message: ${fault}`),
    });
    this.#sync = this.#createSync(options, marks);
    this.#answers = this.#createAnswers(options);
    this.#accuser = this.#createAccuser(options);
    this.#turns = this.#createTurnWatch(options);
    this.#snapshots = serveSnapshots({ transport, store, chain, clock: this.#clock, tip: () => this.tip });
    this.#teller = this.#createTeller(options);
    this.#abstention = watchAbstention({
      store,
      standing: this.#standing,
      self: bytesToHex(this.publicKey),
      height: () => this.tip.height,
      members: () => this.#members(),
      log,
      onFatal,
    });
    this.#clocks = watchPeerClocks(transport, this.#clock);
    transport.onPeer((peer, state) => state === 'connected' && this.#greet(peer));
    transport.onMessage('consensus', (message, from) => this.#inbox.receive(message, from));
  }

  #createMarks({ chain: { rules }, store, transport, log }: NodeOptions): MarkedInputs {
    return new MarkedInputs({ rules, store, transport, payloads: this.#payloads, log });
  }

  #createIntake({ chain, store, transport, log }: NodeOptions, measured: Measured): Intake {
    return new Intake({
      chainId: chain.chainId,
      tip: () => this.tip,
      store,
      measured,
      transport,
      payloads: this.#payloads,
      log,
      onRefused: (ids) => this.#keeper.release(ids),
      onWaiting: () => this.#driver.wake(),
    });
  }

  #createAccuser({ chain, store, keys, log, offences }: NodeOptions): Accuser {
    return new Accuser({
      chainId: chain.chainId,
      keys: { ...keys, publicKey: this.publicKey },
      tip: () => this.tip,
      mempool: this.mempool,
      isOnChain: (hash) => store.transaction(hash) !== null,
      submit: (transaction) => this.submit(transaction, []),
      file: offences ?? noOffenceFile,
      log,
    });
  }

  #createTurnWatch({ chain: { chainId }, keys, log }: NodeOptions): TurnWatch {
    return new TurnWatch({
      chainId,
      keys: { ...keys, publicKey: this.publicKey },
      tip: () => this.tip,
      mempool: this.mempool,
      submit: (transaction) => this.submit(transaction, []),
      log,
    });
  }

  #createSync(options: NodeOptions, marks: MarkedInputs): Sync {
    const { chain, store, transport, log, certifier = certifierHere } = options;
    const { rules } = chain;
    const [driver, payloads, clock] = [this.#driver, this.#payloads, this.#clock];
    return new Sync({ driver, rules, store, transport, payloads, marks, certifier, clock, log });
  }

  #createTeller({ transport, log }: NodeOptions): StatusTeller {
    return new StatusTeller({
      clock: this.#clock,
      status: () => ({ height: this.tip.height, hash: this.tip.hash, period: this.agreement().period }),
      isAgreeing: () => this.agreement().active,
      publish: (message) => {
        try {
          transport.publish('consensus', message);
        } catch (error) {
          log('debug', 'publish-failed', { error: String(error) });
        }
      },
    });
  }

  #createAnswers({ store, transport, log }: NodeOptions): Answers {
    return new Answers({
      driver: this.#driver,
      store,
      transport,
      clock: this.#clock,
      log,
      onDecided: (peer, height, from, entry) => {
        this.#standing.heard(peer, height);
        this.#sync.offer(peer, height, from, entry);
      },
      onVotes: (message, peer) => this.#heardVotes(message, peer),
    });
  }

  get mempool(): Mempool {
    return this.#intake.mempool;
  }

  /** The newest block on disk, and the state after it. */
  get tip(): Tip {
    return this.#tip;
  }

  async start(): Promise<void> {
    await this.#options.transport.start();
    await this.#driver.start();
    await this.#keeper.start();
    this.#accuser.settle();
    this.#tellStatus();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelStatus();
    this.#intake.close();
    this.#keeper.close();
    this.#clocks.close();
    const partlyPulled = this.#payloads.close();
    for (const wake of this.#waiters) wake();
    await this.#sync.close();
    await this.#driver.close();
    await this.#options.transport.stop();
    await partlyPulled;
    await this.#options.closer.close();
    await this.#options.store.close();
  }

  /** Takes a client's transaction; see `Intake.submit`. */
  submit(transaction: Transaction, payloads: readonly Uint8Array[]): Promise<Submitted> {
    return this.#intake.submit(transaction, payloads);
  }

  pending(hash: Uint8Array): boolean {
    return this.#intake.pending(hash);
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
    const end = this.#clock.monotonic() + timeoutMs;
    while (!signal.aborted && !this.#closed && this.#clock.monotonic() < end) {
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
      chainAheadMs: this.#aheadMs(),
      mempoolTransactions: this.mempool.size,
      peers: this.#options.transport.connectedPeers().length,
      ...this.#standingMetrics(),
      finalityCount: this.finality.count,
      finalityMsP50: this.finality.quantile(0.5) ?? 0,
      finalityMsP95: this.finality.quantile(0.95) ?? 0,
      ...this.#keeper.counts,
      ...this.#refused(),
    };
  }

  /** Whether it can do its work now. */
  health(): Health {
    const { store, transport, readyBehindHeights: behindMax = READY_BEHIND_HEIGHTS } = this.#options;
    const members = this.#members();
    return healthOf({
      storeFault: store.fault()?.message ?? null,
      height: this.tip.height,
      others: this.#standing.reached(faultyOf(members.length)),
      members,
      self: bytesToHex(this.publicKey),
      connected: transport.connectedPeers(),
      behindMax,
      mayVote: store.mayVote(this.tip.height + 1),
    });
  }

  peerClock(publicKey: string): PeerClock | null {
    return this.#clocks.of(publicKey);
  }

  /** The committee of the next height. */
  #members(): readonly string[] {
    return nextCommittee(this.#options.chain.rules, this.tip).map(({ publicKey }) => bytesToHex(publicKey));
  }

  #standingMetrics(): Record<string, number> {
    const members = this.#members();
    const others = this.#standing.reached(faultyOf(members.length));
    return {
      validators: members.length,
      peersNeeded: linksNeeded(members, bytesToHex(this.publicKey)),
      behindHeights: others === null ? Number.NaN : Math.max(0, others - this.tip.height),
      abstaining: this.#options.store.abstention === null ? 0 : 1,
      clockOffsetMs: this.#clocks.offsetMs() ?? Number.NaN,
    };
  }

  /** Gossip that was not taken, by reason: `refusedBadSignature` and the like. */
  #refused(): Record<string, number> {
    const counts = [...Object.entries(this.#options.transport.refused()), ...this.#inbox.refused()];
    const sums: Record<string, number> = {};
    for (const [reason, count] of counts) {
      const name = `refused-${reason}`.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
      sums[name] = (sums[name] ?? 0) + count;
    }
    return sums;
  }

  /** Blocks that were pulled are on disk several at a time: one look at the rest of the node serves for all. */
  #committed(run: readonly Judged[]): void {
    const { block, tip } = run.at(-1)!;
    const receipts = run.flatMap(({ executed }) => executed.receipts);
    const hashes = receipts.flatMap(({ transaction }) =>
      transaction === null ? [] : [bytesToHex(transaction)],
    );
    this.#tip = tip;
    this.#snapshots.committed(run.reduce((sum, { executed }) => sum + executed.changes.size, 0));
    const now = performance.now();
    for (const { acceptedAt } of this.mempool.settle(hashes, readState(tip.state))) {
      if (acceptedAt >= 0) this.finality.add(now - acceptedAt);
    }
    this.#options.log('info', 'commit', {
      height: tip.height,
      hash: bytesToHex(tip.hash).slice(0, 16),
      transactions: hashes.length,
      empty: block.header.leader === null,
      ...(run.length > 1 && { blocks: run.length }),
    });
    this.#keeper.committed();
    this.#watchTime();
    this.#accuser.settle();
    this.#turns.look();
    this.#options.onCommit?.(tip);
    for (const wake of [...this.#waiters]) wake();
    this.#abstention.look();
  }

  /** How far the chain's time is ahead of the own clock. */
  #aheadMs(): number {
    return Math.max(0, this.tip.time - this.#clock.now());
  }

  /** Beyond the drift either this clock is late, or those of more than a third of the members once were early. */
  #watchTime(): void {
    const aheadMs = this.#aheadMs();
    const now = this.#clock.monotonic();
    const { clockDriftMs } = paramsCell.get(readState(this.tip.state))!.agreement;
    if (aheadMs <= clockDriftMs || now - this.#warnedAt < CLOCK_WARNING_EVERY_MS) return;
    this.#warnedAt = now;
    this.#options.log('warn', 'chain-ahead-of-clock', {
      height: this.tip.height,
      aheadMs,
      help: 'set this machine’s clock; if it is right, those of more than a third of the validators were ahead',
    });
  }

  #heardStatus(from: string, height: number, period: number): void {
    this.#standing.heard(from, height);
    this.#abstention.look();
    if (height > this.tip.height) this.#sync.follow(from, height);
    else if (height < this.tip.height) this.#answers.behind(from, height + 1);
    else if (period > this.agreement().period) void this.#answers.askQuorum(from);
  }

  /** Votes that were asked for: taken in like gossip. */
  #heardVotes(message: Uint8Array, from: string): void {
    if (this.#inbox.receive(message, from) === 'reject')
      this.#options.transport.penalize(from, OFFENCE_POINTS, 'bad votes, asked for');
  }

  #tellStatus(): void {
    if (this.#closed) return;
    this.#teller.tick();
    this.#intake.tick();
    this.#cancelStatus = this.#clock.after(STATUS_EVERY_MS, () => this.#tellStatus());
  }

  /** A peer that was away knows neither where we stand nor what waits. */
  #greet(peer: string): void {
    if (this.#closed) return;
    this.#clocks.greet(peer);
    this.#teller.say();
    this.#intake.greet();
  }
}

function payloadStoreOf(store: Store): PayloadStore {
  return {
    has: (id) => store.hasPayload(id),
    get: (id) => store.payload(id),
    put: (id, payload) => store.putPayload(id, payload),
  };
}
