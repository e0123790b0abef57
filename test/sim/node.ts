import {
  type AgreementEffect,
  type AgreementInput,
  type AgreementParams,
  type AgreementState,
  type MemberVote,
  quorumOf,
  type TimerKind,
} from '../../consensus/index.js';
import type { Behaviour } from './byzantine.js';
import type { Message, SimBlock } from './message.js';
import type { World } from './world.js';

export const PARAMS: AgreementParams = {
  deadlineMs: 800,
  deadlineDoublingsMax: 3,
  deadlineCapMs: 6_000,
  filterMs: 250,
  resendMs: 300,
  payloadBytesPerMs: 1_000,
  payloadExtensionMsMax: 2_000,
};

/** Messages of the next height kept while this one is being committed. */
const EARLY_MAX = 64;

/** What survives a crash. */
export interface Disk {
  readonly chain: { readonly value: string; readonly votes: readonly MemberVote[] }[];
  readonly bodies: Map<string, SimBlock>;
  proposal: SimBlock | null;
  records: MemberVote[];
  justification: readonly MemberVote[];
}

/**
 * One simulated validator: the driver that a real node has, with a virtual disk, clock and network. It knows
 * what was delivered to it and nothing else. With a `behaviour` it is dishonest: the same node, but what it
 * says passes through the behaviour.
 */
export class SimNode {
  readonly disk: Disk = { chain: [], bodies: new Map(), proposal: null, records: [], justification: [] };
  isUp = true;
  state: AgreementState | null = null;
  private life = 0;
  private readonly timers = new Map<TimerKind, number>();
  private readonly headers = new Map<string, SimBlock>();
  private readonly wanted = new Set<string>();
  private early: { from: number; message: Message }[] = [];
  private readonly inputs: AgreementInput[] = [];
  private isRunning = false;

  constructor(
    readonly world: World,
    readonly index: number,
    readonly behaviour: Behaviour | null,
    private readonly forgetsRecords: boolean,
  ) {}

  get height(): number {
    return this.disk.chain.length + 1;
  }

  /** Begins the height after the last committed one, with whatever the disk knows of it. */
  begin(): void {
    const { world, height, disk } = this;
    this.state = null;
    this.headers.clear();
    this.wanted.clear();
    if (height > world.plan.heights) return;
    const created = world.agreement.createAgreement({
      height,
      members: world.plan.members,
      self: world.memberAt(height, this.index),
      leader: 0,
      emptyHash: world.emptyHash(height),
      emptyRun: this.emptyRun(),
      params: world.plan.params,
      ownRecords: this.forgetsRecords ? [] : disk.records,
      justification: this.forgetsRecords ? [] : disk.justification,
    });
    this.state = created.state;
    if (disk.proposal && !this.forgetsRecords) this.takeProposal(disk.proposal);
    this.carryOut(created.effects);
    this.later(world.random.between(0, 300), () => {
      if (this.height === height) this.input({ kind: 'activate' });
    });
    const { early } = this;
    this.early = [];
    for (const { from, message } of early) this.receive(from, message);
  }

  crash(downMs: number): void {
    if (!this.isUp) return;
    this.isUp = false;
    this.life++;
    this.state = null;
    this.inputs.length = 0;
    this.timers.clear();
    this.early = [];
    this.world.clock.after(downMs, () => {
      this.isUp = true;
      this.begin();
    });
  }

  receive(from: number, message: Message): void {
    if (!this.isUp) return;
    const { height } = this;
    if (message.height < height) this.answerDecided(from, message);
    else if (message.height === height && this.state) this.take(from, message);
    else if (message.height <= height + 1 && this.early.length < EARLY_MAX)
      this.early.push({ from, message });
  }

  send(to: number, message: Message): void {
    const { world, behaviour } = this;
    if (!behaviour) {
      world.network.send(this.index, to, message);
      return;
    }
    for (const said of behaviour(this, to, message)) {
      world.network.send(this.index, to, said.message, said.afterMs ?? 0);
    }
  }

  broadcast(message: Message): void {
    for (const node of this.world.nodes) if (node !== this) this.send(node.index, message);
  }

  private take(from: number, message: Message): void {
    const { world } = this;
    switch (message.kind) {
      case 'proposal':
        if (message.block.leader !== world.nodeAt(message.height, 0)) return;
        if (message.body) this.takeBody(message.block);
        this.takeProposal(message.block);
        return;
      case 'votes': {
        const valid = message.votes.filter((vote) => this.isSigned(vote));
        const [only] = valid;
        if (valid.length === 1 && only) this.input({ kind: 'vote', vote: only });
        else this.input({ kind: 'votes', votes: valid });
        return;
      }
      case 'fetch': {
        const block = this.disk.bodies.get(message.value);
        if (block) this.send(from, { kind: 'body', height: message.height, block });
        return;
      }
      case 'body':
        this.takeBody(message.block);
        return;
      case 'decided':
        this.takeDecided(message);
        return;
      default:
        message satisfies never;
    }
  }

  private takeProposal(block: SimBlock): void {
    this.headers.set(block.value, block);
    this.input({ kind: 'proposal', value: block.value, payloadBytes: block.payloadBytes });
  }

  private takeBody(block: SimBlock): void {
    this.disk.bodies.set(block.value, block);
    if (this.wanted.delete(block.value)) this.judge(block.value);
  }

  /** A certificate counts if a quorum of distinct members signed it, whoever brings it. */
  private takeDecided({ value, block, votes }: Extract<Message, { kind: 'decided' }>): void {
    const [first] = votes;
    const signers = new Set<number>();
    for (const vote of votes) {
      const matches = vote.step === 'cert' && vote.value === value && vote.period === first?.period;
      if (matches && this.isSigned(vote)) signers.add(vote.member);
    }
    if (signers.size < quorumOf(this.world.plan.members)) return;
    if (block) this.disk.bodies.set(block.value, block);
    this.commit(value, votes);
  }

  private isSigned(vote: MemberVote): boolean {
    const { world, height } = this;
    if (vote.height !== height || vote.member < 0 || vote.member >= world.plan.members) return false;
    return world.signer.verify(world.nodeAt(height, vote.member), vote);
  }

  private answerDecided(from: number, message: Message): void {
    if (message.kind === 'decided' || message.kind === 'body') return;
    const decided = this.disk.chain[message.height - 1]!;
    const block = this.disk.bodies.get(decided.value) ?? null;
    this.send(from, { kind: 'decided', height: message.height, ...decided, block });
  }

  private input(input: AgreementInput): void {
    this.inputs.push(input);
    if (this.isRunning) return;
    this.isRunning = true;
    for (let next = this.inputs.shift(); next && this.state; next = this.inputs.shift()) {
      const { state, effects } = this.world.agreement.apply(this.state, next);
      this.state = state;
      this.carryOut(effects);
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
        if (effect.votes.length > 0)
          this.broadcast({ kind: 'votes', height, step: null, votes: effect.votes });
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
        world.accuse(this, world.nodeAt(this.height, effect.first.member), effect);
        break;
      case 'two-proposals':
        world.accuse(this, world.nodeAt(this.height, 0), effect);
        break;
      case 'reject':
        break;
      default:
        effect satisfies never;
    }
  }

  private propose(): void {
    const block = this.world.createBlock(this.height, this.index);
    this.disk.proposal = block;
    this.disk.bodies.set(block.value, block);
    this.announce(block);
    this.takeProposal(block);
  }

  private announce(block: SimBlock): void {
    this.broadcast({
      kind: 'proposal',
      height: block.height,
      block,
      body: this.world.plan.bodiesTravelAlong,
    });
  }

  private judge(value: string): void {
    const { height } = this;
    const block = this.disk.bodies.get(value);
    if (!block) {
      this.wanted.add(value);
      this.broadcast({ kind: 'fetch', height, value });
      return;
    }
    this.later(this.world.random.between(0, 10), () => {
      const verdict = block.valid ? 'held' : 'invalid';
      if (this.height === height) this.input({ kind: 'judged', value, verdict });
    });
  }

  /** Signs, persists, sends, counts; a crash may come before or after the disk has it. */
  private vote({ vote, justification }: Extract<AgreementEffect, { kind: 'vote' }>): void {
    const { world, height } = this;
    const crash = world.crashHere(this);
    if (crash === 'before') {
      this.crash(world.random.between(50, 2_000));
      return;
    }
    const signed = world.signer.sign(this.index, vote, world.memberAt(height, this.index));
    this.disk.records.push(signed);
    this.disk.justification = world.persisted(justification);
    if (crash === 'after') {
      this.crash(world.random.between(50, 2_000));
      return;
    }
    world.note(this, signed);
    this.broadcast({ kind: 'votes', height, step: vote.step, votes: [signed] });
    this.input({ kind: 'vote', vote: signed });
  }

  private setTimer({ timer, period, afterMs }: Extract<AgreementEffect, { kind: 'set-timer' }>): void {
    const { height } = this;
    const turn = (this.timers.get(timer) ?? 0) + 1;
    this.timers.set(timer, turn);
    const jitter = timer === 'resend' ? this.world.random.between(0, afterMs >> 1) : 0;
    this.later(afterMs + jitter, () => {
      if (this.timers.get(timer) !== turn || this.height !== height) return;
      this.input({ kind: 'timer', timer, period });
    });
  }

  private commit(value: string, votes: readonly MemberVote[]): void {
    const { world, height, disk } = this;
    world.checkCommit(this, height, value);
    disk.chain.push({ value, votes });
    disk.proposal = null;
    disk.records = [];
    disk.justification = [];
    this.timers.clear();
    this.state = null;
    // A node that is gone right after its commit tells nobody: the others must find the same block without it.
    if (world.crashHere(this) !== null) this.crash(world.random.between(500, 6_000));
    else this.later(world.random.between(0, 5), () => this.begin());
  }

  private emptyRun(): number {
    const { chain } = this.disk;
    let run = 0;
    while (
      run < chain.length &&
      chain[chain.length - 1 - run]!.value === this.world.emptyHash(chain.length - run)
    )
      run++;
    return run;
  }

  private later(delayMs: number, run: () => void): void {
    const { life } = this;
    this.world.clock.after(delayMs, () => {
      if (this.life === life) run();
    });
  }
}
