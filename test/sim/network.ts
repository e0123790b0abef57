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

/** How bad the network is for a while. Times in ms, chances per mille. */
export interface Mood {
  readonly until: number;
  readonly delayMsMax: number;
  readonly drop: number;
  readonly repeat: number;
  /** A message that takes ten times as long, and so comes after later ones. */
  readonly late: number;
  /** Of these most are dropped: losses at the worst place, which chance alone seldom finds. */
  readonly hated: ReadonlySet<WireClass>;
  /** One node that everything reaches all the same: so that it alone sees a quorum. */
  readonly spared: number | null;
  /** One node that nobody hears. */
  readonly muted: number | null;
}

export interface NetworkPlan {
  /** From then on nothing is lost; 0: from the beginning. */
  readonly healsAt: number;
  /** One after the other until it heals. */
  readonly moods: readonly Mood[];
  /** From the healing on; longer than the first deadlines, at times. */
  readonly healedDelayMsMin: number;
  readonly healedDelayMsMax: number;
  /** Payload bytes a millisecond, always. */
  readonly bytesPerMs: number;
  /** Links over which nothing passes for a while, one way each: `from * nodes + to`. */
  readonly cuts: readonly {
    readonly from: number;
    readonly to: number;
    readonly links: ReadonlySet<number>;
  }[];
}

const DROP_HATED = 930;

export function planNetwork(random: Random, nodes: number): NetworkPlan {
  const healsAt = random.between(2_000, 12_000);
  const changes = Array.from({ length: random.below(4) }, () => random.below(healsAt)).sort((a, b) => a - b);
  return {
    healsAt,
    moods: [...changes, healsAt].map((until) => planMood(random, nodes, until)),
    healedDelayMsMin: 1,
    healedDelayMsMax: random.pick([10, 40, 40, 40, 40, 200, 500]),
    bytesPerMs: random.pick([500, 1_000, 5_000]),
    cuts: Array.from({ length: random.below(4) }, () => planCut(random, nodes, healsAt)),
  };
}

/** Well from the beginning; each message takes so long. */
export function calmNetwork(minMs: number, maxMs: number, bytesPerMs: number): NetworkPlan {
  return { healsAt: 0, moods: [], healedDelayMsMin: minMs, healedDelayMsMax: maxMs, bytesPerMs, cuts: [] };
}

function planMood(random: Random, nodes: number, until: number): Mood {
  const isBad = random.chance(700);
  const spared = random.chance(350) ? random.below(nodes) : null;
  const muted = random.chance(500) ? spared : random.chance(150) ? random.below(nodes) : null;
  return {
    until,
    delayMsMax: random.pick([10, 40, 150, 400]),
    drop: isBad ? random.pick([0, 50, 150, 300, 500]) : 0,
    repeat: isBad ? random.pick([0, 50, 200]) : 0,
    late: isBad ? random.pick([0, 30, 100]) : 0,
    hated: new Set(random.chance(500) ? WIRE_CLASSES.filter(() => random.chance(400)) : []),
    spared,
    muted,
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
  private moodAt = 0;

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
    const { random, plan } = this;
    const sentMs = bytes === 0 ? afterMs : afterMs + Math.ceil(bytes / plan.bytesPerMs);
    const mood = this.mood();
    if (!mood) {
      this.arrive(from, to, message, sentMs + random.between(plan.healedDelayMsMin, plan.healedDelayMsMax));
      return;
    }
    if (this.isLost(mood, from, to, message)) return;
    const copies = random.chance(mood.repeat) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const delay = random.between(1, mood.delayMsMax) * (random.chance(mood.late) ? 10 : 1);
      this.arrive(from, to, message, sentMs + delay);
    }
  }

  /** The mood that the network is in; undefined once it is well. */
  private mood(): Mood | undefined {
    const { moods } = this.plan;
    while (this.moodAt < moods.length && this.clock.now >= moods[this.moodAt]!.until) this.moodAt++;
    return moods[this.moodAt];
  }

  private isLost(mood: Mood, from: number, to: number, message: Message): boolean {
    if (mood.muted === from || this.isCut(from, to)) return true;
    if (mood.spared === to) return false;
    return this.random.chance(mood.hated.has(this.classOf(message)) ? DROP_HATED : mood.drop);
  }

  private arrive(from: number, to: number, message: Message, delayMs: number): void {
    this.clock.after(delayMs, () => this.deliver(from, to, message));
  }

  private isCut(from: number, to: number): boolean {
    const { now } = this.clock;
    // Who joins stands behind the same cuts as one of the first.
    const link = (from % this.nodes) * this.nodes + (to % this.nodes);
    return this.plan.cuts.some((cut) => now >= cut.from && now < cut.to && cut.links.has(link));
  }
}
