import {
  announcedBytes,
  blockHash,
  type ParentVote,
  readState,
  signProposal,
  transactionHash,
} from '../../chain/index.js';
import {
  type AgreementEffect,
  type AgreementInput,
  apply,
  buildBlock,
  createAgreement,
  createCertificate,
  emptyBlock,
  judgeBlock,
  type MemberVote,
  nextCommittee,
  type Tip,
} from '../../consensus/index.js';
import { type Closings, emptyRunCell, isWorkDue, nextDeadline } from '../../contracts/index.js';
import { bytesToHex, equalBytes } from '../../crypto/index.js';
import { createSharedAbort } from '../sharedAbort.js';
import { certifiedAt } from '../store/index.js';
import { type ComputedClosings, computeClosings } from './closings.js';
import { evidenceOf } from './evidence.js';
import {
  commitsOf,
  type Decided,
  type HeightWork,
  missingPayloads,
  ownSeed,
  pause,
  signMemberVote,
  toParentVotes,
  toWire,
  votesOfCertificate,
} from './height.js';
import { encodeMessage, encodeProposal, type SignedProposal } from './message.js';
import type { DriverOptions } from './options.js';
import { Pace } from './pace.js';
import { agreementParams } from './params.js';
import { blockToStore, readRecords, recordsOver, voteRecords } from './records.js';
import { Writes } from './writes.js';

const PROPOSALS_MAX = 4;
/** Runs of pulled blocks that may be on their way to disk at a time: the store writes together what waits. */
const WRITES_MAX = 4;
/** A block further in the future is dropped: its leader sends it again, and no height lasts that long. */
const AHEAD_MS_MAX = 60_000;

/**
 * Runs the agreement machine: one height after the other, effects in their order, each on disk before it leaves.
 *
 * All work goes through one queue, so that the machine sees one input at a time. What takes long (payloads,
 * verdicts) runs beside it and comes back as an input. One owner of the tip.
 */
export class Driver {
  readonly #options: DriverOptions;
  #tip: Tip;
  #work: HeightWork | null = null;
  #parentVotes: readonly ParentVote[] = [];
  #queue: Promise<void> = Promise.resolve();
  /** Decided blocks on their way to disk. */
  readonly #writes = new Writes();
  readonly #pace: Pace;
  #closed = false;

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#tip = options.tip;
    const { clock, blockSpacingMs, params } = options;
    this.#pace = new Pace(clock, blockSpacingMs, params.agreement.deadlineMs);
  }

  /** The newest decided block. It may still be on its way to disk: nothing of the next height leaves before. */
  get tip(): Tip {
    return this.#tip;
  }

  get work(): HeightWork | null {
    return this.#work;
  }

  /** Takes the chain up where the store left it. */
  start(): Promise<void> {
    const last = certifiedAt(this.#options.store, this.#tip.height);
    if (last !== null) this.#parentVotes = votesOfCertificate(this.#tip, last.certificate);
    return this.enqueue(() => this.#beginHeight());
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#endHeight();
    await this.#queue;
    await this.#writes.atMost(0);
  }

  /** Runs a step after all that were asked for before it. An error is fatal: the state would be unknown. */
  enqueue(step: () => Promise<void> | void): Promise<void> {
    this.#queue = this.#queue
      .then(() => (this.#closed ? undefined : step()))
      .catch((error: unknown) => this.#fail(error));
    return this.#queue;
  }

  #fail(error: unknown): void {
    if (!this.#closed) this.#options.onFatal(error instanceof Error ? error : new Error(String(error)));
  }

  /** Hands an input to the machine of `work`, unless that height is over by then. */
  input(work: HeightWork, input: AgreementInput): void {
    void this.enqueue(() => this.#apply(work, input));
  }

  /** There is something to agree on: a transaction came in, or an outcome is due. */
  wake(): void {
    if (this.#work !== null) this.#activate(this.#work);
  }

  /** Begins to agree, as soon as the pace lets it. */
  #activate(work: HeightWork): void {
    if (work.machine.active) return;
    const begin = () => this.input(work, { kind: 'activate' });
    const waitMs = this.#pace.waitMs();
    if (waitMs === 0) begin();
    else this.#setTimer(work, 'pace', waitMs, begin);
  }

  /** A proposal whose signature and leader were checked. Null `from`: our own. */
  propose(work: HeightWork, proposal: SignedProposal, from: string | null): void {
    const { clock, params } = this.#options;
    const { time } = proposal.block.header;
    // The earliest time there can be, E_h's too, moves a chain that ran ahead of the clocks no further.
    const isEarliest = time <= work.tip.time + 1;
    const ahead = isEarliest ? 0 : time - clock.now() - params.agreement.clockDriftMs;
    if (ahead > AHEAD_MS_MAX) return;
    const value = this.note(work, proposal, from);
    if (value === null || work.announced.has(value)) return;
    work.announced.add(value);
    const hand = () =>
      this.input(work, { kind: 'proposal', value, payloadBytes: announcedBytes(proposal.block) });
    // A block from the future is held back until it isn't one, bounded by the height's own end.
    if (ahead > 0) this.#setTimer(work, `ahead/${value}`, ahead, hand);
    else hand();
  }

  /** Keeps a leader's block for judging. Null: there are too many already. */
  note(work: HeightWork, proposal: SignedProposal, from: string | null): string | null {
    const value = bytesToHex(blockHash(proposal.block.header));
    if (work.proposals.has(value)) return value;
    if (work.proposals.size >= PROPOSALS_MAX) return null;
    work.proposals.set(value, { ...proposal, from });
    return value;
  }

  /** A late cert vote for the tip: the next leader carries it, so that the slow are counted as present. */
  addParentVote({ voter, period, signature }: ParentVote): boolean {
    const first = this.#parentVotes[0];
    if (first === undefined || first.period !== period) return false;
    if (this.#parentVotes.some((known) => equalBytes(known.voter, voter))) return false;
    const votes = [...this.#parentVotes, { voter, period, signature }];
    this.#parentVotes = votes.sort((a, b) => Buffer.compare(a.voter, b.voter));
    return true;
  }

  /**
   * Decided blocks from elsewhere, one after the other, their certificates verified; they go to disk together. Runs
   * inside the queue. `more`: the next one follows at once, so that this node need not get ready to agree on it; if
   * it does not come after all, the caller says `resume`.
   */
  async adopt(run: readonly Decided[], more: boolean): Promise<void> {
    const { judged, certificate } = run.at(-1)!;
    await this.#commit(run, votesOfCertificate(judged.tip, certificate), more);
  }

  /** What the block after `tip` begins with: due outcomes, computed in a worker. Null: the driver was closed. */
  async closings(tip: Tip): Promise<Closings | null> {
    if (this.#work?.tip === tip) return this.#work.closings;
    return (await this.#compute(tip))?.closings ?? null;
  }

  #compute(tip: Tip): Promise<ComputedClosings | null> {
    return computeClosings(tip, this.#options, () => this.#closed);
  }

  /** Gets ready to agree on the next height, unless it is. */
  resume(): Promise<void> {
    return this.enqueue(() => (this.#work === null ? this.#beginHeight() : undefined));
  }

  async #beginHeight(): Promise<void> {
    const { rules, params, mempool, clock, keys } = this.#options;
    const tip = this.#tip;
    const height = tip.height + 1;
    const computed = await this.#compute(tip);
    if (computed === null || this.#closed) return;
    const { closings, isMarked } = computed;
    const committee = nextCommittee(rules, tip);
    const indexOf = new Map(committee.map((seat, index) => [bytesToHex(seat.publicKey), index]));
    // Without a seat, where it may have forgotten votes of its own, or where it took an outcome that it did not compute,
    // a node follows and does not vote.
    const mayVote = this.#options.store.mayVote(height) && !isMarked;
    const self = mayVote ? (indexOf.get(bytesToHex(keys.publicKey)) ?? null) : null;
    const empty = emptyBlock(rules, tip, closings);
    const state = readState(tip.state);
    const { ownRecords, justification, proposal, blocks } = readRecords(
      this.#options.store,
      tip.chainId,
      height,
      indexOf,
    );
    const emptyRun = tip.height > 0 && tip.leader === null ? (emptyRunCell.get(state) ?? 0) + 1 : 0;
    const step = createAgreement({
      height,
      members: committee.length,
      self,
      leader: 0,
      emptyHash: bytesToHex(empty.hash),
      emptyRun,
      params: agreementParams(params),
      ownRecords,
      justification,
    });
    const work: HeightWork = {
      height,
      tip,
      committee,
      indexOf,
      self,
      closings,
      empty,
      proposals: new Map(),
      announced: new Set(),
      judged: new Map(),
      timers: new Map(),
      abort: createSharedAbort(),
      machine: step.state,
      provedSeed: null,
    };
    this.#work = work;
    for (const block of blocks) this.note(work, block, null);
    if (proposal !== null) this.propose(work, proposal, null);
    await this.#perform(work, step.effects);
    this.#options.onBegin();
    if (this.#options.isDecided(height)) return;
    const due = isWorkDue(state, tip.height, tip.time) || mempool.hasCandidates(state);
    if (due) this.#activate(work);
    else this.#setIdleTimers(work, nextDeadline(state), clock.now());
  }

  /** An idle chain is quiet but for the heartbeat, and wakes when a round's deadline passes. */
  #setIdleTimers(work: HeightWork, deadline: number | null, now: number): void {
    if (work.self === 0) ownSeed(work, this.#options.keys.vrfSecret);
    const wake = () => this.#activate(work);
    this.#setTimer(work, 'heartbeat', this.#options.params.agreement.heartbeatMs, wake);
    if (deadline !== null) this.#setTimer(work, 'round-deadline', Math.max(0, deadline - now), wake);
  }

  async #apply(work: HeightWork, input: AgreementInput): Promise<void> {
    if (this.#work !== work) return this.#options.onMissed(work, input);
    const step = apply(work.machine, input);
    if (step.state.active && !work.machine.active) this.#pace.begun();
    work.machine = step.state;
    await this.#perform(work, step.effects);
  }

  async #perform(work: HeightWork, effects: readonly AgreementEffect[]): Promise<void> {
    for (const effect of effects) {
      if (this.#work !== work || this.#closed) return;
      switch (effect.kind) {
        case 'propose':
          await this.#proposeOwn(work);
          break;
        case 'judge':
          void this.#judge(work, effect.value);
          break;
        case 'vote':
          await this.#vote(work, effect);
          break;
        case 'broadcast':
          this.#sendVotes(work, effect.votes);
          if (effect.proposal !== null) this.#sendProposal(work, effect.proposal);
          break;
        case 'set-timer':
          this.#setAgreementTimer(work, effect);
          break;
        case 'commit': {
          const judged =
            effect.value === bytesToHex(work.empty.hash) ? work.empty : work.judged.get(effect.value)!;
          const certificate = createCertificate(effect.votes, work.committee.length);
          await this.#commit([{ judged, certificate }], toParentVotes(work.committee, effect.votes), false);
          break;
        }
        case 'offence':
        case 'two-proposals':
          this.#options.log('warn', 'offence', { height: work.height, offence: effect.kind });
          this.#options.onOffence(evidenceOf(work, effect));
          break;
        case 'reject':
          this.#options.log('debug', 'agreement-reject', { reason: effect.reason, height: work.height });
          break;
        default:
          effect satisfies never;
      }
    }
  }

  async #proposeOwn(work: HeightWork): Promise<void> {
    const { rules, mempool, store, payloadOf, clock, keys, log, closer } = this.#options;
    const { tip, height } = work;
    const { proof, seed } = ownSeed(work, keys.vrfSecret);
    const draft = {
      time: Math.max(tip.time + 1, clock.now()),
      leader: keys.publicKey,
      seed,
      seedProof: proof,
      parentVotes: this.#parentVotes,
      candidates: mempool.candidates(readState(tip.state)),
    };
    const judged = buildBlock(rules, tip, draft, closer.propose(work.closings), payloadOf);
    const value = bytesToHex(judged.hash);
    const signature = signProposal(tip.chainId, height, judged.hash, keys.secret);
    const proposal = { block: judged.block, signature };
    work.judged.set(value, judged);
    await store.putRecords(height, [{ key: 'proposal', value: encodeProposal(proposal) }]);
    log('debug', 'propose', { height, transactions: judged.block.transactions.length });
    this.propose(work, proposal, null);
    this.#sendProposal(work, value);
  }

  /** The block, then its payloads, then the execution. Keeps trying until the height is over. */
  async #judge(work: HeightWork, value: string): Promise<void> {
    const { store, payloads, transport, clock } = this.#options;
    const own = work.judged.has(value);
    for (let attempt = 1; this.#work === work && !own; attempt += 1) {
      const peers = transport.connectedPeers();
      const proposal = work.proposals.get(value) ?? (await this.#findProposal(work, value, peers));
      if (this.#work !== work) return;
      const missing = proposal && missingPayloads(proposal.block, (id) => store.hasPayload(id));
      if (missing?.length === 0) break;
      const pulls = (missing ?? []).map(({ id, size }) => payloads.fetch(id, size, peers, work.abort.signal));
      const results = await Promise.allSettled(pulls);
      const failed = proposal === null || results.some(({ status }) => status === 'rejected');
      if (failed) await pause(clock, work, 100 * Math.min(10, attempt));
    }
    await this.enqueue(() => this.#judgeHeld(work, value));
  }

  async #judgeHeld(work: HeightWork, value: string): Promise<void> {
    if (this.#work !== work) return;
    const { payloadOf, transport, rules, mempool, log } = this.#options;
    if (!work.judged.has(value)) {
      const { block, from } = work.proposals.get(value)!;
      const known = (transaction: (typeof block.transactions)[number]) =>
        mempool.get(bytesToHex(transactionHash(transaction)));
      const judgement = judgeBlock(rules, work.tip, block, work.closings, payloadOf, known);
      if (judgement.ok) work.judged.set(value, judgement.judged);
      else {
        const { reason, detail } = judgement;
        log('warn', 'invalid-block', { height: work.height, reason, detail });
        if (from !== null) transport.penalize(from, 10, `invalid block: ${reason}`);
      }
    }
    const verdict = work.judged.has(value) ? 'held' : 'invalid';
    await this.#apply(work, { kind: 'judged', value, verdict });
  }

  /** A value that votes carry whose block never reached us: whoever voted for it has it on disk. */
  async #findProposal(work: HeightWork, value: string, peers: readonly string[]) {
    for (const peer of peers) {
      const found = await this.#options.requestProposal(peer, work.height, value);
      if (found === null || this.#work !== work) continue;
      if (bytesToHex(blockHash(found.block.header)) !== value) continue;
      if (this.note(work, found, peer) === value) return found;
    }
    return work.proposals.get(value) ?? null;
  }

  /** Sign, persist with what justifies it, then send: after a crash the record binds. */
  async #vote(
    work: HeightWork,
    { vote, justification }: Extract<AgreementEffect, { kind: 'vote' }>,
  ): Promise<void> {
    const { store, keys } = this.#options;
    const { chainId } = this.#tip;
    const signed = signMemberVote(chainId, vote, work.self!, keys.publicKey, keys.secret);
    const wire = [signed, ...justification].map((each) => toWire(chainId, work.committee, each));
    const known = store.records(work.height);
    const records = voteRecords(signed, justification, wire, blockToStore(work, vote.value, known));
    await store.putRecords(work.height, records, recordsOver(known, vote.period));
    this.#publish(encodeMessage({ kind: 'votes', votes: wire }));
    await this.#apply(work, { kind: 'vote', vote: signed });
  }

  #sendVotes(work: HeightWork, votes: readonly MemberVote[]): void {
    if (votes.length === 0) return;
    const wire = votes.map((vote) => toWire(this.#tip.chainId, work.committee, vote));
    this.#publish(encodeMessage({ kind: 'votes', votes: wire }));
  }

  #sendProposal(work: HeightWork, value: string): void {
    const proposal = work.proposals.get(value);
    if (proposal === undefined) return;
    const { block, signature } = proposal;
    this.#publish(encodeMessage({ kind: 'proposal', proposal: { block, signature } }));
  }

  /** Gossip promises no delivery and agreement sends again, so a full queue is a log line and not a failure. */
  #publish(message: Uint8Array): void {
    try {
      this.#options.transport.publish('consensus', message);
    } catch (error) {
      this.#options.log('warn', 'publish-failed', { error: String(error) });
    }
  }

  /**
   * The next height begins while the block is being written. What it sends is recorded first, and the store takes the
   * records after the block: nothing that rests on the block leaves before it is on disk.
   */
  async #commit(run: readonly Decided[], votes: readonly ParentVote[], more: boolean): Promise<void> {
    const { store, onDecided, onPulled, onCommit } = this.#options;
    const commits = commitsOf(run, this.#work);
    await this.#writes.atMost(more ? WRITES_MAX - 1 : 0);
    this.#writes.add(
      store
        .commit(...commits)
        .then(() => onCommit(run.map(({ judged }) => judged)))
        .catch((error: unknown) => this.#fail(error)),
    );
    // Models that execution made are read from the store, by the next block's closings at the earliest.
    if (commits.some(({ payloads }) => payloads.size > 0)) await this.#writes.atMost(0);
    const [{ judged, certificate }, ...others] = run as readonly [Decided, ...Decided[]];
    const first = others.length === 0 ? votes : votesOfCertificate(judged.tip, certificate);
    if (this.#work !== null) onDecided(this.#work, judged.hash, first);
    for (const decided of this.#work === null ? run : others) onPulled(decided);
    this.#endHeight();
    this.#tip = run.at(-1)!.judged.tip;
    this.#parentVotes = votes;
    if (!more) await this.#beginHeight();
  }

  #endHeight(): void {
    if (this.#work === null) return;
    this.#work.abort.abort();
    for (const cancel of this.#work.timers.values()) cancel();
    this.#work.timers.clear();
    this.#work = null;
  }

  #setAgreementTimer(
    work: HeightWork,
    { timer, period, afterMs }: Extract<AgreementEffect, { kind: 'set-timer' }>,
  ): void {
    const jitter = timer === 'resend' ? 1 + Math.random() / 2 : 1;
    this.#setTimer(work, timer, afterMs * jitter, () => this.input(work, { kind: 'timer', timer, period }));
  }

  #setTimer(work: HeightWork, name: string, afterMs: number, fire: () => void): void {
    work.timers.get(name)?.();
    work.timers.set(name, this.#options.clock.after(afterMs, fire));
  }
}
