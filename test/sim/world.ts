import { AGREEMENT_RULES, type Agreement, agreementWith } from '../../consensus/index.js';
import { STRATEGIES, type StrategyName } from './byzantine/index.js';
import type { SimChain } from './chain.js';
import { Clock } from './clock.js';
import { DRIVER_RULES, type DriverRules } from './driverRules.js';
import { nameOf, withMembership } from './membership.js';
import type { Message } from './message.js';
import type { Mutant } from './mutants.js';
import { Network, type WireClass } from './network.js';
import { SimNode } from './node.js';
import { type Finding, Found, Observer } from './observer.js';
import { BEGIN_MS_MAX, HEIGHTS, planRun, type RunPlan, type Write } from './plan.js';
import { Random } from './random.js';
import { CHAIN_RULES, createDigest, stubChain } from './stubChain.js';

/** What a run is asked for; all else follows from the seed. */
export interface SimOptions {
  readonly seed: number;
  readonly members: number;
  readonly heights?: number;
  /** Strategies of each of f dishonest members; none for all honest. Left out: by the seed. */
  readonly byzantine?: readonly StrategyName[];
  /** Validators join and leave: in every run on a bad network, or in none. Left out: by the seed. */
  readonly membership?: boolean;
  /** Something broken, to see whether the simulation notices. */
  readonly mutant?: Mutant;
  /** Another chain than the stub's; it must be for as many members. */
  readonly chain?: SimChain;
  /** Another plan than the seed's. */
  readonly plan?: RunPlan;
  readonly trace?: (line: string) => void;
}

export interface SimOutcome {
  readonly seed: number;
  readonly members: number;
  /** By node: what it did beside or in place of the honest thing. */
  readonly strategies: readonly (readonly StrategyName[])[];
  readonly finding: Finding | null;
  /** Heights that every honest node has. */
  readonly heights: number;
  readonly emptyBlocks: number;
  readonly virtualMs: number;
  readonly events: number;
  readonly votes: number;
  /** Highest period of an honest vote; and how many periods past the one that it had reached at healing. */
  readonly periodMax: number;
  readonly periodsAfterHealing: number;
  /** Heights with another ring than the one before. */
  readonly ringChanges: number;
  /** When the last honest node had committed each height. */
  readonly agreedAt: readonly number[];
}

/**
 * Longest time without a commit of an honest node once the network has healed: generous by far, since a
 * deadline is at most 8 s with extension and few periods pass once messages arrive.
 */
const PROGRESS_MS_MAX = 120_000;

/** Membership is drawn from numbers of its own, so that runs without it are those that they always were. */
const MEMBERSHIP_SEED = 0x6d656d62;

/** Runs one seed to its end. */
export function simulate(options: SimOptions): SimOutcome {
  const world = new World(options);
  let finding: Finding | null = null;
  try {
    world.run();
  } catch (error) {
    if (!(error instanceof Found)) throw error;
    finding = error.finding;
    world.tell(() => `FOUND ${error.message}`);
  }
  return world.outcome(finding);
}

/** All nodes, their network and clock. */
export class World {
  readonly clock = new Clock();
  readonly random: Random;
  readonly plan: RunPlan;
  readonly network: Network<Message>;
  readonly nodes: readonly SimNode[];
  readonly agreement: Agreement;
  readonly chain: SimChain;
  readonly driver: DriverRules;
  readonly observer: Observer;
  private readonly trace: ((line: string) => void) | undefined;
  private readonly agreedAt: number[] = [];
  private lastCommitAt = 0;
  private behind: number;

  constructor(private readonly options: SimOptions) {
    const { seed, members, heights = HEIGHTS, byzantine, membership, mutant = {} } = options;
    const random = new Random(seed);
    this.random = random;
    this.trace = options.trace;
    const machine = agreementWith(mutant.rules ? { ...AGREEMENT_RULES, ...mutant.rules } : AGREEMENT_RULES);
    this.agreement = mutant.machine?.(machine) ?? machine;
    this.driver = { ...DRIVER_RULES, ...mutant.driver };
    this.plan = options.plan ?? this.planned(planRun(random, members, heights, byzantine), membership);
    const digest = createDigest();
    const eraHeights = this.plan.membership?.eraHeights ?? null;
    const truth = options.chain ?? stubChain(members, digest, CHAIN_RULES, eraHeights);
    this.chain = mutant.chain
      ? stubChain(members, digest, { ...CHAIN_RULES, ...mutant.chain }, eraHeights)
      : truth;
    this.observer = new Observer(this.plan, truth, (line) => this.tell(line));
    this.network = new Network(this.clock, random, this.plan.network, members, classOf, (from, to, message) =>
      this.nodes[to]!.receive(from, message),
    );
    this.nodes = this.plan.strategies.map((names, index) => {
      const strategies = names.map((name) => STRATEGIES[name]);
      return new SimNode(this, index, strategies, this.plan.clockRates[index]!);
    });
    this.behind = this.nodes.filter(({ isHonest }) => isHonest).length * this.plan.heights;
  }

  run(): void {
    const { clock, nodes, observer, plan } = this;
    this.tell(() => describe(plan));
    for (const node of nodes) {
      const joinsAt = plan.membership?.beginsAt[node.index - plan.members];
      clock.after(joinsAt ?? this.random.between(0, BEGIN_MS_MAX), () => node.begin());
    }
    const { healsAt } = plan.network;
    clock.after(healsAt, () => {
      observer.healed(nodes);
      this.tell(() => 'the network is well');
    });
    while (this.behind > 0) {
      const since = Math.max(healsAt, this.lastCommitAt);
      if (clock.now > since + PROGRESS_MS_MAX || !clock.step()) throw new Found(this.stalled());
    }
    observer.checkBlocks();
  }

  private planned(plan: RunPlan, membership: boolean | undefined): RunPlan {
    const { seed, chain, byzantine } = this.options;
    return withMembership(
      new Random(seed ^ MEMBERSHIP_SEED),
      plan,
      membership,
      byzantine === undefined,
      chain?.eraHeights,
    );
  }

  /** Whether the node crashes at this write, and on which side of it. */
  crashHere(node: SimNode, write: Write): 'before' | 'after' | null {
    const { random, plan, clock } = this;
    if (clock.now >= plan.network.healsAt) return null;
    const { perMille, at } = plan.crash;
    if (!random.chance(node.forgets ? 300 : at.includes(write) ? perMille : 0)) return null;
    return random.chance(500) ? 'before' : 'after';
  }

  committed(node: SimNode): void {
    if (!node.isHonest) return;
    this.behind--;
    this.lastCommitAt = this.clock.now;
    this.agreedAt[node.height - 1] = this.clock.now;
  }

  tell(line: () => string): void {
    this.trace?.(`${`${this.clock.now}`.padStart(7)} ${line()}`);
  }

  outcome(finding: Finding | null): SimOutcome {
    const { observer, clock, plan } = this;
    const reached = this.nodes.filter(({ isHonest }) => isHonest).map(({ height }) => height - 1);
    return {
      seed: this.options.seed,
      members: plan.members,
      strategies: plan.strategies,
      finding,
      heights: Math.min(...reached),
      emptyBlocks: observer.isEmptyAt.filter((isEmpty) => isEmpty).length,
      virtualMs: clock.now,
      events: clock.events,
      votes: observer.votes,
      periodMax: observer.periodMax,
      periodsAfterHealing: observer.periodsAfterHealing,
      ringChanges: observer.ringChanges,
      agreedAt: this.agreedAt.slice(1),
    };
  }

  private stalled(): Finding {
    const where = this.nodes.map((node) => `${node.index}: h${node.height} p${node.state?.period ?? '-'}`);
    return { kind: 'stalled', detail: `${PROGRESS_MS_MAX} ms without a commit: ${where.join(', ')}` };
  }
}

/** An adversary on the wire takes transactions for proposals, and who asks for a height for who asks for a body. */
function classOf(message: Message): WireClass {
  switch (message.kind) {
    case 'votes':
      return message.step ?? 're-send';
    case 'approval':
      return 'proposal';
    case 'status':
      return 'fetch';
    default:
      return message.kind;
  }
}

function describe(plan: RunPlan): string {
  const { members, strategies, network, params, crash, bodiesTravelAlong, membership } = plan;
  const bad = strategies.flatMap((names, node) =>
    names.length > 0 ? [`${node}: ${names.join(' + ')}`] : [],
  );
  const moods = network.moods.map(({ until, delayMsMax, drop, repeat, late, hated, spared, muted }) =>
    [
      `until ${until}: delays to ${delayMsMax}, per mille drop ${drop}, repeat ${repeat}, late ${late}`,
      ...(hated.size > 0 ? [`most lost of ${[...hated].join(', ')}`] : []),
      ...(spared === null ? [] : [`all reaches node ${spared}`]),
      ...(muted === null ? [] : [`nobody hears node ${muted}`]),
    ].join('; '),
  );
  return [
    `${members} nodes, dishonest: ${bad.join('; ') || 'none'}`,
    ...moods,
    `${network.cuts.length} cuts; crashes ${crash.perMille} per mille at ${crash.at.join(', ')}; well at ${network.healsAt}, delays to ${network.healedDelayMsMax}`,
    ...(membership
      ? [`${membership.changes.map(nameOf).join(', ')}; an era has ${membership.eraHeights} heights`]
      : []),
    `deadline ${params.deadlineMs}, bodies ${bodiesTravelAlong ? 'travel along' : 'on request'}`,
  ].join('\n        ');
}
