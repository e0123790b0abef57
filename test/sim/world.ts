import {
  AGREEMENT_RULES,
  type Agreement,
  type AgreementEffect,
  type AgreementParams,
  type AgreementRules,
  agreementWith,
  faultyOf,
  type MemberVote,
} from '../../consensus/index.js';
import { BEHAVIOURS, type BehaviourName } from './byzantine.js';
import { Clock } from './clock.js';
import type { Message, SimBlock } from './message.js';
import { Network, planNetwork, type WireClass } from './network.js';
import { PARAMS, SimNode } from './node.js';
import { Random } from './random.js';
import { type Signer, stubSigner } from './signer.js';

/** What a run is asked for; all else follows from the seed. */
export interface SimOptions {
  readonly seed: number;
  readonly members: number;
  readonly heights?: number;
  /** null: all honest. Left out: by the seed. */
  readonly behaviour?: BehaviourName | null;
  /** Another vote table, to see whether the simulation notices. */
  readonly rules?: AgreementRules;
  /** Honest nodes, too, forget their records when they crash: another thing to notice. */
  readonly amnesia?: boolean;
  /** What of a justification reaches the disk; all of it unless told otherwise. */
  readonly persisted?: (justification: readonly MemberVote[]) => readonly MemberVote[];
  readonly signer?: Signer;
  readonly trace?: (line: string) => void;
}

export interface Finding {
  readonly kind: 'fork' | 'accused-honest' | 'not-held' | 'not-valid' | 'stuck';
  readonly detail: string;
}

export interface SimOutcome {
  readonly seed: number;
  readonly behaviour: BehaviourName | null;
  readonly finding: Finding | null;
  readonly virtualMs: number;
  readonly events: number;
  readonly emptyBlocks: number;
  readonly votes: number;
  readonly periodMax: number;
}

interface Plan {
  readonly members: number;
  readonly heights: number;
  readonly behaviour: BehaviourName | null;
  readonly bodiesTravelAlong: boolean;
  readonly params: AgreementParams;
  /** Per mille of votes and commits at which a node crashes, until the network heals. */
  readonly crash: number;
  /** Which node leads height 0. */
  readonly offset: number;
}

/**
 * Longest time from the network's healing until every honest node has every height: generous by far, since
 * a deadline is at most 8 s with extension and few periods pass once messages arrive.
 */
const PROGRESS_MS_MAX = 180_000;
const HEIGHTS = 3;
const NAMES = Object.keys(BEHAVIOURS) as readonly BehaviourName[];

class Found extends Error {
  constructor(readonly finding: Finding) {
    super(`${finding.kind}: ${finding.detail}`);
  }
}

/** Runs one seed to its end. */
export function simulate(options: SimOptions): SimOutcome {
  const world = new World(options);
  let finding: Finding | null = null;
  try {
    world.run();
  } catch (error) {
    if (!(error instanceof Found)) throw error;
    finding = error.finding;
  }
  return world.outcome(finding);
}

/** All nodes, their network and clock, and the one observer who sees everything and tells nobody. */
export class World {
  readonly clock = new Clock();
  readonly random: Random;
  readonly plan: Plan;
  readonly network: Network<Message>;
  readonly nodes: readonly SimNode[];
  readonly agreement: Agreement;
  readonly signer: Signer;
  private readonly decided: string[] = [];
  private readonly blocks = new Map<string, SimBlock>();
  private votes = 0;
  private periodMax = 0;

  constructor(private readonly options: SimOptions) {
    const { seed, members, heights = HEIGHTS } = options;
    const random = new Random(seed);
    this.random = random;
    this.signer = options.signer ?? stubSigner;
    this.agreement = agreementWith(options.rules ?? AGREEMENT_RULES);
    const drawn = random.chance(250) ? null : random.pick(NAMES);
    const behaviour = options.behaviour === undefined ? drawn : options.behaviour;
    this.plan = {
      members,
      heights,
      behaviour,
      bodiesTravelAlong: random.chance(700),
      // A short deadline under a slow network makes many periods.
      params: { ...PARAMS, deadlineMs: random.pick([PARAMS.deadlineMs, 300]) },
      crash: random.pick([0, 0, 20, 80, 200]),
      offset: random.below(members),
    };
    const network = planNetwork(random, members);
    this.network = new Network(this.clock, random, network, members, classOf, (from, to, message) =>
      this.nodes[to]!.receive(from, message),
    );
    const dishonest = behaviour === null ? 0 : Math.max(1, faultyOf(members));
    const firstBad = random.below(members);
    this.nodes = Array.from({ length: members }, (_, index) => {
      const isBad = (index - firstBad + members) % members < dishonest;
      const made = isBad && behaviour !== null ? BEHAVIOURS[behaviour]() : null;
      return new SimNode(this, index, made, options.amnesia || (isBad && behaviour === 'amnesia'));
    });
  }

  run(): void {
    for (const node of this.nodes) this.clock.after(this.random.between(0, 100), () => node.begin());
    const endsAt = this.network.plan.healsAt + PROGRESS_MS_MAX;
    while (!this.isDone()) {
      if (this.clock.now > endsAt || !this.clock.step()) throw new Found(this.stuck());
    }
  }

  nodeAt(height: number, member: number): number {
    return (height + this.plan.offset + member) % this.plan.members;
  }

  memberAt(height: number, node: number): number {
    const { members, offset } = this.plan;
    return (((node - height - offset) % members) + members) % members;
  }

  emptyHash(height: number): string {
    return this.signer.hashOf(`empty ${height}`);
  }

  createBlock(height: number, leader: number, valid = true): SimBlock {
    const block: SimBlock = {
      height,
      leader,
      value: this.signer.hashOf(`block ${this.blocks.size} of ${leader} at ${height}`),
      valid,
      payloadBytes: this.random.pick([0, 0, 100_000, 900_000]),
    };
    this.blocks.set(block.value, block);
    return block;
  }

  /** Whether the node crashes at this write, and on which side of it. */
  crashHere(node: SimNode): 'before' | 'after' | null {
    const { random, plan, clock, network } = this;
    if (clock.now >= network.plan.healsAt) return null;
    const often = node.behaviour !== null && plan.behaviour === 'amnesia' ? 300 : plan.crash;
    if (!random.chance(often)) return null;
    return random.chance(500) ? 'before' : 'after';
  }

  persisted(justification: readonly MemberVote[]): readonly MemberVote[] {
    return this.options.persisted?.(justification) ?? justification;
  }

  note(node: SimNode, vote: MemberVote): void {
    this.votes++;
    if (!node.behaviour) this.periodMax = Math.max(this.periodMax, vote.period);
    this.options.trace?.(`${this.clock.now} node ${node.index} h${vote.height} ${show(vote)}`);
  }

  /** Every commit of an honest node: the same value as everybody's, valid, held. */
  checkCommit(node: SimNode, height: number, value: string): void {
    this.options.trace?.(`${this.clock.now} node ${node.index} h${height} commits ${value}`);
    if (node.behaviour) return;
    const where = `node ${node.index} commits ${value} at height ${height}`;
    this.decided[height] ??= value;
    if (this.decided[height] !== value) {
      throw new Found({ kind: 'fork', detail: `${where}, another node ${this.decided[height]}` });
    }
    if (value === this.emptyHash(height)) return;
    if (!this.blocks.get(value)?.valid) throw new Found({ kind: 'not-valid', detail: where });
    if (!node.disk.bodies.has(value)) throw new Found({ kind: 'not-held', detail: where });
  }

  /** An honest node's accusation must never hit an honest node. */
  accuse(
    by: SimNode,
    accused: number,
    effect: Extract<AgreementEffect, { kind: 'offence' | 'two-proposals' }>,
  ) {
    if (by.behaviour || this.nodes[accused]!.behaviour) return;
    const what = effect.kind === 'offence' ? `${show(effect.first)} and ${show(effect.second)}` : effect.kind;
    throw new Found({ kind: 'accused-honest', detail: `node ${accused}: ${what}` });
  }

  outcome(finding: Finding | null): SimOutcome {
    return {
      seed: this.options.seed,
      behaviour: this.plan.behaviour,
      finding,
      virtualMs: this.clock.now,
      events: this.clock.events,
      emptyBlocks: this.decided.filter((value, height) => value === this.emptyHash(height)).length,
      votes: this.votes,
      periodMax: this.periodMax,
    };
  }

  private isDone(): boolean {
    return this.nodes.every((node) => node.behaviour !== null || node.disk.chain.length >= this.plan.heights);
  }

  private stuck(): Finding {
    const where = this.nodes.map((node) => `${node.index}: h${node.height} p${node.state?.period ?? '-'}`);
    return { kind: 'stuck', detail: `${PROGRESS_MS_MAX} ms after healing: ${where.join(', ')}` };
  }
}

function classOf(message: Message): WireClass {
  return message.kind === 'votes' ? (message.step ?? 're-send') : message.kind;
}

function show({ step, value, period }: MemberVote): string {
  return `${step}(${value ?? '⊥'})@${period}`;
}
