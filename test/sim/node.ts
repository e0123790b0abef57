import type {
  AgreementEffect,
  AgreementInput,
  AgreementState,
  MemberVote,
  TimerKind,
} from '../../consensus/index.js';
import { type Behaviour, combine, type Strategy } from './byzantine/behaviour.js';
import type { Approval, Change, Draft, SimBlock, SimTip } from './chain.js';
import { NO_RECORDS, type Records } from './driverRules.js';
import { isDone, type MembershipPlan, nameOf } from './membership.js';
import type { Message } from './message.js';
import type { World } from './world.js';

/** Messages of this height and the next one kept while no height is under way; the oldest make room. */
const EARLY_MAX = 64;

/** How often a node without a vote says where it stands. */
const STATUS_MS = 500;

/** What survives a crash. */
export interface Disk {
  /** The chain, from genesis. */
  readonly tips: SimTip[];
  readonly bodies: Map<string, SimBlock>;
  records: Records;
}

/**
 * One simulated validator: the driver that a real node has, with a virtual disk, clock and network. It knows
 * what was delivered to it and nothing else. With strategies it is dishonest: the same node, but what it says
 * passes through them.
 */
export class SimNode {
  readonly disk: Disk;
  readonly isHonest: boolean;
  isUp = true;
  /** Of the height that it is at: the machine, the committee (nodes by member), its own place, E_h. */
  state: AgreementState | null = null;
  committee: readonly number[] = [];
  member = -1;
  emptyValue = '';
  private empty!: SimBlock;
  private life = 0;
  private parentVotes: readonly MemberVote[] = [];
  private readonly behaviour: Required<Behaviour> | null;
  private readonly timers = new Map<TimerKind, number>();
  private readonly headers = new Map<string, SimBlock>();
  private readonly wanted = new Set<string>();
  private readonly executed = new Map<string, SimTip>();
  /** Approvals that wait for a block, by voter and change. */
  private readonly pool = new Map<string, Approval>();
  private early: { from: number; message: Message }[] = [];
  private readonly inputs: AgreementInput[] = [];
  private isRunning = false;

  constructor(
    readonly world: World,
    readonly index: number,
    strategies: readonly Strategy[],
    /** How fast its clock runs, per mille. */
    private readonly clockRate: number,
  ) {
    this.disk = { tips: [world.chain.genesis], bodies: new Map(), records: NO_RECORDS };
    this.isHonest = strategies.length === 0;
    this.behaviour = this.isHonest ? null : combine(strategies.map((strategy) => strategy(this)));
  }

  get tip(): SimTip {
    return this.disk.tips[this.disk.tips.length - 1]!;
  }

  get height(): number {
    return this.disk.tips.length;
  }

  /** Size of the committee that decided the tip. */
  get parentMembers(): number {
    const parent = this.disk.tips[this.disk.tips.length - 2];
    return parent ? this.world.chain.committee(parent).length : 0;
  }

  get forgets(): boolean {
    return this.behaviour?.forgets ?? false;
  }

  /** Begins the height after the last committed one, with whatever the disk knows of it. */
  begin(): void {
    const { world, height, tip, disk } = this;
    const { chain, plan } = world;
    this.state = null;
    this.headers.clear();
    this.wanted.clear();
    this.executed.clear();
    if (height > plan.heights) return;
    this.parentVotes = tip.votes;
    this.committee = chain.committee(tip);
    this.member = this.committee.indexOf(this.index);
    this.empty = chain.empty(tip);
    this.emptyValue = this.empty.value;
    const records = this.forgets ? NO_RECORDS : world.driver.restored(disk.records);
    const members = world.driver.membersOf(this.committee, plan.members);
    const created = world.agreement.createAgreement({
      height,
      members,
      self: this.member >= 0 && this.member < members ? this.member : null,
      leader: 0,
      emptyHash: this.emptyValue,
      emptyRun: this.emptyRun(),
      params: plan.params,
      ownRecords: records.own,
      justification: records.justification,
    });
    this.state = created.state;
    const { life } = this;
    if (records.proposal) this.takeProposal(records.proposal);
    if (this.life !== life || this.height !== height) return;
    this.carryOut(created.effects);
    this.laterAt(height, world.random.between(0, plan.idleMsMax), () => this.input({ kind: 'activate' }));
    if (plan.membership) this.takePart(plan.membership);
    const { early } = this;
    this.early = [];
    for (const { from, message } of early) this.receive(from, message);
  }

  crash(downMs: number): void {
    if (!this.isUp) return;
    this.world.tell(() => `node ${this.index} crashes for ${downMs} ms`);
    this.isUp = false;
    this.life++;
    this.state = null;
    this.inputs.length = 0;
    this.timers.clear();
    this.early = [];
    this.pool.clear();
    this.world.clock.after(downMs, () => {
      this.world.tell(() => `node ${this.index} is back at height ${this.height}`);
      this.isUp = true;
      this.begin();
    });
  }

  receive(from: number, message: Message): void {
    if (!this.isUp) return;
    const { height } = this;
    if (message.kind === 'approval') this.keep(message.approval);
    if (message.height < height) this.answerDecided(from, message);
    else if (message.height === height && this.state) this.take(from, message);
    else if (message.height <= height + 1) {
      if (this.early.length >= EARLY_MAX) this.early.shift();
      this.early.push({ from, message });
    }
  }

  /** What an honest leader would put into a block now. */
  draft(): Draft {
    const { world, parentVotes } = this;
    const payloadBytes = world.random.pick(world.plan.payloadBytes);
    const approvals = [...this.pool.values()];
    return { now: world.clock.now, payloadBytes, parentVotes, approvals, fault: null };
  }

  make(draft: Draft): SimBlock {
    return this.world.chain.build(this.tip, this.index, draft);
  }

  private send(to: number, message: Message): void {
    const { network } = this.world;
    if (!this.behaviour) {
      network.send(this.index, to, message, bytesBeside(message));
      return;
    }
    for (const said of this.behaviour.say(to, message)) {
      network.send(this.index, to, said.message, bytesBeside(said.message), said.afterMs);
    }
  }

  private broadcast(message: Message): void {
    const { length } = this.world.nodes;
    for (let to = 0; to < length; to++) if (to !== this.index) this.send(to, message);
  }

  private take(from: number, message: Message): void {
    switch (message.kind) {
      case 'proposal':
        if (!this.world.chain.isLeaders(this.tip, message.block)) return;
        if (message.body) this.takeBody(message.block);
        this.takeProposal(message.block);
        return;
      case 'votes': {
        const votes = message.votes.filter((vote) => this.isSigned(vote));
        if (votes.length === 1) this.input({ kind: 'vote', vote: votes[0]! });
        else if (votes.length > 0) this.input({ kind: 'votes', votes });
        return;
      }
      case 'fetch': {
        const block = this.disk.bodies.get(message.value);
        if (block) this.send(from, { kind: 'body', height: message.height, block });
        return;
      }
      case 'body':
        if (this.wanted.has(message.block.value)) this.takeBody(message.block);
        return;
      case 'decided':
        this.takeDecided(message);
        return;
      case 'status':
      case 'approval':
        return;
      default:
        message satisfies never;
    }
  }

  /** What membership asks of a node at each height: votes on the changes, and to keep up where it has no vote. */
  private takePart({ changes }: MembershipPlan): void {
    const { world, height, tip } = this;
    if (this.member < 0) this.tellStatus();
    const seats = world.chain.seats(tip);
    for (const change of this.isHonest ? changes : this.unlawful(changes)) {
      if (isDone(change, seats) || (this.isHonest && !seats.includes(this.index))) continue;
      this.laterAt(height, world.random.between(0, world.plan.idleMsMax), () => {
        const approval = world.chain.approve(tip, this.index, change);
        if (!approval) return;
        this.keep(approval);
        this.broadcast({ kind: 'approval', height, approval });
      });
    }
  }

  /** The dishonest vote with a seat or without, at times against somebody who shall stay. */
  private unlawful(changes: readonly Change[]): readonly Change[] {
    const { random, plan } = this.world;
    return random.chance(500) ? changes : [...changes, { kind: 'leave', node: random.below(plan.members) }];
  }

  private tellStatus(): void {
    const { height } = this;
    this.broadcast({ kind: 'status', height });
    this.laterAt(height, STATUS_MS, () => this.tellStatus());
  }

  private keep(approval: Approval): void {
    this.pool.set(`${nameOf(approval.change)} by ${approval.by}`, approval);
  }

  private takeProposal(block: SimBlock): void {
    this.headers.set(block.value, block);
    this.input({ kind: 'proposal', value: block.value, payloadBytes: block.payloadBytes });
  }

  private takeBody(block: SimBlock): void {
    this.disk.bodies.set(block.value, block);
    if (this.wanted.delete(block.value)) this.judge(block.value);
  }

  private takeDecided({ value, block, votes }: Extract<Message, { kind: 'decided' }>): void {
    const { world, tip } = this;
    if (world.driver.checksCertificates && !world.chain.certifies(tip, value, votes)) return;
    if (block?.value === value) this.disk.bodies.set(value, block);
    this.commit(value, votes);
  }

  private isSigned(vote: MemberVote): boolean {
    const node = this.committee[vote.member];
    return node !== undefined && vote.height === this.height && this.world.chain.isSigned(node, vote);
  }

  private answerDecided(from: number, message: Message): void {
    if (message.kind === 'decided' || message.kind === 'body') return;
    if (message.kind === 'votes' && this.takeLate(message)) return;
    const { value, votes } = this.disk.tips[message.height]!;
    const block = this.disk.bodies.get(value) ?? null;
    this.send(from, { kind: 'decided', height: message.height, value, votes, block });
  }

  /** Cert votes for the tip that come late still count as presence in the next leader's block. */
  private takeLate({ height, votes }: Extract<Message, { kind: 'votes' }>): boolean {
    const { chain } = this.world;
    const [first] = this.parentVotes;
    const parent = this.disk.tips[height - 1];
    if (height !== this.height - 1 || !first || !parent) return false;
    const committee = chain.committee(parent);
    const fresh = votes.filter(
      (vote) =>
        vote.step === 'cert' &&
        vote.value === this.tip.value &&
        vote.period === first.period &&
        !this.parentVotes.some(({ member }) => member === vote.member) &&
        chain.isSigned(committee[vote.member] ?? -1, vote),
    );
    const [vote] = fresh;
    if (vote) this.parentVotes = [...this.parentVotes, vote];
    return vote !== undefined;
  }

  private input(input: AgreementInput): void {
    this.inputs.push(input);
    if (this.isRunning) return;
    this.isRunning = true;
    for (let next = this.inputs.shift(); next && this.state; next = this.inputs.shift()) {
      const { state, effects } = this.world.agreement.apply(this.state, next);
      this.state = state;
      if (effects.length > 0) this.carryOut(effects);
    }
    this.inputs.length = 0;
    this.isRunning = false;
  }

  private carryOut(effects: readonly AgreementEffect[]): void {
    const { life, height } = this;
    for (const effect of effects) {
      if (this.life !== life || this.height !== height) return;
      this.carryOutOne(effect);
    }
  }

  private carryOutOne(effect: AgreementEffect): void {
    const { world } = this;
    switch (effect.kind) {
      case 'propose':
        this.propose();
        break;
      case 'judge':
        this.judge(effect.value);
        break;
      case 'vote':
        this.vote(effect);
        break;
      case 'broadcast': {
        const { height } = this;
        const { votes } = effect;
        if (votes.length > 0) this.broadcast({ kind: 'votes', height, step: null, votes });
        if (effect.proposal !== null) this.announce(this.headers.get(effect.proposal)!);
        for (const value of this.wanted) this.broadcast({ kind: 'fetch', height, value });
        break;
      }
      case 'set-timer':
        this.setTimer(effect);
        break;
      case 'commit':
        this.commit(effect.value, effect.votes);
        break;
      case 'offence':
        world.observer.accuse(this, world.nodes[this.committee[effect.first.member]!]!, effect);
        break;
      case 'two-proposals':
        world.observer.accuse(this, world.nodes[this.committee[0]!]!, effect);
        break;
      case 'reject':
        break;
      default:
        effect satisfies never;
    }
  }

  /** Makes the leader's block, persists it, announces it; a crash may come on either side of the write. */
  private propose(): void {
    const { world, disk } = this;
    const crash = world.crashHere(this, 'block');
    if (crash === 'before') {
      this.crash(world.random.between(50, 2_000));
      return;
    }
    const honest = this.draft();
    const block = this.make(this.behaviour?.draft(honest) ?? honest);
    const { own, justification } = disk.records;
    disk.records = { own, justification, proposal: block };
    disk.bodies.set(block.value, block);
    world.tell(() => `node ${this.index} h${this.height} proposes ${block.value}`);
    if (!world.driver.persistsFirst || crash === null) this.announce(block);
    if (crash === 'after') this.crash(world.random.between(50, 2_000));
    else this.takeProposal(block);
  }

  private announce(block: SimBlock): void {
    const { height } = block;
    this.broadcast({ kind: 'proposal', height, block, body: this.world.plan.bodiesTravelAlong });
  }

  private judge(value: string): void {
    const { world, height, tip } = this;
    const block = this.disk.bodies.get(value);
    if (!block && world.driver.waitsForBody) {
      this.wanted.add(value);
      this.broadcast({ kind: 'fetch', height, value });
      return;
    }
    this.laterAt(height, world.random.between(0, world.plan.judgeMsMax), () => {
      const executed = block && world.chain.execute(tip, block);
      if (executed) this.executed.set(value, executed);
      this.input({ kind: 'judged', value, verdict: executed || !block ? 'held' : 'invalid' });
    });
  }

  /** Signs, persists, sends, counts; a crash may come before or after the disk has it. */
  private vote({ vote, justification }: Extract<AgreementEffect, { kind: 'vote' }>): void {
    const { world, height, disk } = this;
    const { own, proposal } = disk.records;
    const crash = world.crashHere(this, vote.step);
    const signed = world.chain.sign(this.index, this.member, vote);
    const send = () => {
      world.observer.note(this, signed);
      this.broadcast({ kind: 'votes', height, step: vote.step, votes: [signed] });
    };
    if (!world.driver.persistsFirst) send();
    if (crash !== 'before') {
      disk.records = {
        own: [...own, signed],
        justification: world.driver.persisted(justification),
        proposal,
      };
    }
    if (crash !== null) {
      this.crash(world.random.between(50, 2_000));
      return;
    }
    if (world.driver.persistsFirst) send();
    this.input({ kind: 'vote', vote: signed });
  }

  private setTimer({ timer, period, afterMs }: Extract<AgreementEffect, { kind: 'set-timer' }>): void {
    const turn = (this.timers.get(timer) ?? 0) + 1;
    this.timers.set(timer, turn);
    const jitter = timer === 'resend' ? this.world.random.between(0, afterMs >> 1) : 0;
    const runMs = Math.round(((afterMs + jitter) * 1_000) / this.clockRate);
    this.laterAt(this.height, runMs, () => {
      if (this.timers.get(timer) === turn) this.input({ kind: 'timer', timer, period });
    });
  }

  private commit(value: string, votes: readonly MemberVote[]): void {
    const { world, disk, tip } = this;
    const block = value === this.emptyValue ? this.empty : (disk.bodies.get(value) ?? null);
    world.observer.checkCommit(this, block, value, votes);
    const executed = this.executed.get(value) ?? (block && world.chain.execute(tip, block));
    // Whoever finds a certified block invalid can't go on from it.
    if (!executed) return;
    world.observer.checkState(this, executed);
    disk.tips.push({ ...executed, votes });
    disk.records = NO_RECORDS;
    for (const { by, change } of block?.approvals ?? []) this.pool.delete(`${nameOf(change)} by ${by}`);
    this.timers.clear();
    this.state = null;
    world.committed(this);
    // A node that is gone right after its commit tells nobody: the others must find the same block without it.
    if (world.crashHere(this, 'commit') !== null) this.crash(world.random.between(500, 6_000));
    else this.later(world.random.between(0, world.plan.commitMsMax), () => this.begin());
  }

  private emptyRun(): number {
    const { tips } = this.disk;
    let run = 0;
    while (run < tips.length - 1 && !this.disk.bodies.has(tips[tips.length - 1 - run]!.value)) run++;
    return run;
  }

  private laterAt(height: number, delayMs: number, run: () => void): void {
    this.later(delayMs, () => {
      if (this.height === height) run();
    });
  }

  private later(delayMs: number, run: () => void): void {
    const { life } = this;
    this.world.clock.after(delayMs, () => {
      if (this.life === life) run();
    });
  }
}

function bytesBeside(message: Message): number {
  switch (message.kind) {
    case 'proposal':
      return message.body ? message.block.payloadBytes : 0;
    case 'body':
    case 'decided':
      return message.block?.payloadBytes ?? 0;
    default:
      return 0;
  }
}
