import type { Clock } from './clock.js';
import type { Random } from './random.js';

/** What an adversary on the wire can tell apart: the kind of message, and the step of a single vote. */
export const WIRE_CLASSES = [
  'proposal',
  'soft',
  'cert',
  'next',
  're-send',
  'fetch',
  'body',
  'decided',
] as const;
export type WireClass = (typeof WIRE_CLASSES)[number];

/** How bad the network is until it heals. Times in ms, chances per mille. */
export interface NetworkPlan {
  /** 0: it is well from the beginning. */
  readonly healsAt: number;
  readonly delayMsMax: number;
  /** From the healing on; longer than the first deadlines, at times. */
  readonly healedDelayMsMin: number;
  readonly healedDelayMsMax: number;
  /** Payload bytes a millisecond, always. */
  readonly bytesPerMs: number;
  readonly drop: number;
  readonly repeat: number;
  /** A message that takes ten times as long, and so comes after later ones. */
  readonly late: number;
  /** Of these most are dropped: losses at the worst place, which chance alone seldom finds. */
  readonly hated: ReadonlySet<WireClass>;
  /** Links over which nothing passes for a while, one way each: `from * nodes + to`. */
  readonly cuts: readonly {
    readonly from: number;
    readonly to: number;
    readonly links: ReadonlySet<number>;
  }[];
}

const DROP_HATED = 930;

export function planNetwork(random: Random, nodes: number, isWellAtOnce = false): NetworkPlan {
  const healsAt = isWellAtOnce ? 0 : random.between(2_000, 12_000);
  const bad = random.chance(700);
  return {
    healsAt,
    delayMsMax: random.pick([10, 40, 150, 400]),
    healedDelayMsMin: 1,
    healedDelayMsMax: random.pick(isWellAtOnce ? [40, 200, 500] : [10, 40, 40, 40, 40, 200, 500]),
    bytesPerMs: random.pick([500, 1_000, 5_000]),
    drop: bad ? random.pick([0, 50, 150, 300, 500]) : 0,
    repeat: bad ? random.pick([0, 50, 200]) : 0,
    late: bad ? random.pick([0, 30, 100]) : 0,
    hated: new Set(random.chance(500) ? WIRE_CLASSES.filter(() => random.chance(400)) : []),
    cuts: isWellAtOnce ? [] : Array.from({ length: random.below(4) }, () => planCut(random, nodes, healsAt)),
  };
}

/** Every message takes exactly this long, and arrives. */
export function calmNetwork(linkMs: number): NetworkPlan {
  return {
    healsAt: 0,
    delayMsMax: linkMs,
    healedDelayMsMin: linkMs,
    healedDelayMsMax: linkMs,
    bytesPerMs: 5_000,
    drop: 0,
    repeat: 0,
    late: 0,
    hated: new Set(),
    cuts: [],
  };
}

function planCut(random: Random, nodes: number, healsAt: number) {
  const from = random.below(healsAt);
  const to = Math.min(healsAt, from + random.between(200, 6_000));
  return { from, to, links: random.chance(500) ? partition(random, nodes) : deadLinks(random, nodes) };
}

/** Two sides between which nothing passes. */
function partition(random: Random, nodes: number): ReadonlySet<number> {
  const isLeft = Array.from({ length: nodes }, () => random.chance(500));
  return linksWhere(nodes, (from, to) => isLeft[from] !== isLeft[to]);
}

/** Any links, one way: so that one member may hear a quorum that no other hears. */
function deadLinks(random: Random, nodes: number): ReadonlySet<number> {
  const share = random.pick([200, 400, 600]);
  return linksWhere(nodes, () => random.chance(share));
}

function linksWhere(nodes: number, isDead: (from: number, to: number) => boolean): ReadonlySet<number> {
  const links = new Set<number>();
  for (let from = 0; from < nodes; from++) {
    for (let to = 0; to < nodes; to++) if (isDead(from, to)) links.add(from * nodes + to);
  }
  return links;
}

/** Delays, drops, repeats, reorders and partitions by the seed; from `healsAt` on delays only. */
export class Network<Message> {
  constructor(
    private readonly clock: Clock,
    private readonly random: Random,
    readonly plan: NetworkPlan,
    private readonly nodes: number,
    private readonly classOf: (message: Message) => WireClass,
    private readonly deliver: (from: number, to: number, message: Message) => void,
  ) {}

  /** `bytes`: what travels beside the message itself; it takes its time. */
  send(from: number, to: number, message: Message, bytes = 0, afterMs = 0): void {
    const { clock, random, plan } = this;
    const sentMs = afterMs + Math.ceil(bytes / plan.bytesPerMs);
    if (clock.now >= plan.healsAt) {
      this.arrive(from, to, message, sentMs + random.between(plan.healedDelayMsMin, plan.healedDelayMsMax));
      return;
    }
    const drop = plan.hated.has(this.classOf(message)) ? DROP_HATED : plan.drop;
    if (this.isCut(from, to) || random.chance(drop)) return;
    const copies = random.chance(plan.repeat) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const delay = random.between(1, plan.delayMsMax) * (random.chance(plan.late) ? 10 : 1);
      this.arrive(from, to, message, sentMs + delay);
    }
  }

  private arrive(from: number, to: number, message: Message, delayMs: number): void {
    this.clock.after(delayMs, () => this.deliver(from, to, message));
  }

  private isCut(from: number, to: number): boolean {
    const { now } = this.clock;
    const link = from * this.nodes + to;
    return this.plan.cuts.some((cut) => now >= cut.from && now < cut.to && cut.links.has(link));
  }
}
