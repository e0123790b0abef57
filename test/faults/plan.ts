import { Random } from '../sim/random.js';

/** What the nemesis does to a network. Nodes are numbered from 0; each kind is undone when its time is over. */
export type Fault =
  /** kill -9; starts again when the time is over. */
  | { readonly kind: 'kill'; readonly node: number }
  /** SIGSTOP; SIGCONT when the time is over. */
  | { readonly kind: 'pause'; readonly node: number }
  /** No byte passes between `side` and the others. */
  | { readonly kind: 'partition'; readonly side: readonly number[]; readonly how: Cut }
  /** No byte passes from `from` to the `to`s; those the other way do. */
  | { readonly kind: 'one-way'; readonly from: number; readonly to: readonly number[] }
  /** Each byte from or to the node comes later, on each link by another time in the range. */
  | { readonly kind: 'delay'; readonly node: number; readonly ms: readonly [number, number] }
  /** The node's connections break again and again. */
  | { readonly kind: 'drop'; readonly node: number; readonly everyMs: number }
  /** The node's clock shows so many milliseconds more, or less. */
  | { readonly kind: 'skew'; readonly node: number; readonly ms: number };
export type FaultKind = Fault['kind'];

/** `silent`: bytes wait, nobody is told; `reset`: connections break, and new ones are refused. */
export type Cut = 'silent' | 'reset';

export const faultKinds = ['kill', 'pause', 'partition', 'one-way', 'delay', 'drop', 'skew'] as const;

export interface PlannedFault {
  readonly fault: Fault;
  /** From the beginning of the episode; milliseconds. */
  readonly atMs: number;
  readonly forMs: number;
}

/** Faults that overlap as they like, after which everything is healed, and the network must come together. */
export interface Episode {
  readonly faults: readonly PlannedFault[];
  /** True: more than f members are hit, so that the chain may halt. */
  readonly beyond: boolean;
}

export interface PlanOptions {
  readonly members: number;
  /** What the network can do here. */
  readonly kinds?: readonly FaultKind[];
}

/** Of 1000 episodes. */
const BEYOND = 250;
const FAULT_MS = [800, 5_000] as const;
/** Of 1000 partitions: those that last until TCP's timers have grown long. */
const LONG = 150;
const LONG_MS = [8_000, 20_000] as const;
const LAST_START_MS = 3_000;
const SKEW_MS = [200, 4_000] as const;

/**
 * Episodes without end, all from the seed. In most of them at most f members are hit by whatever stops or cuts off
 * a member or bends its clock; delays and broken connections may hit anybody, as the network may do that. An
 * episode beyond that hits more than f, sometimes all, and ends like the others: healed.
 */
export function* planEpisodes(
  seed: number,
  { members, kinds = faultKinds }: PlanOptions,
): Generator<Episode, never> {
  const random = new Random(seed);
  if (members < 4) throw new RangeError('fewer than 4 members survive no fault');
  // Each kind comes before any comes again, so that a short run has seen them all.
  const deck = new Deck(random, kinds);
  const stopping = new Deck(
    random,
    kinds.filter((kind) => kind !== 'delay' && kind !== 'drop'),
  );
  for (;;) {
    const beyond = random.chance(BEYOND);
    const f = Math.floor((members - 1) / 3);
    const hit = shuffled(random, members).slice(0, beyond ? random.between(f + 1, members) : f);
    const count = beyond ? random.between(hit.length, hit.length + 2) : random.between(2, 4);
    const faults = Array.from({ length: count }, (_, i): PlannedFault => {
      const kind = (beyond && i < hit.length ? stopping : deck).draw();
      const victim = beyond ? hit[i % hit.length]! : random.pick(hit);
      const [low, high] = kind === 'partition' && random.chance(LONG) ? LONG_MS : FAULT_MS;
      return {
        fault: faultOf(random, kind, victim, hit, members),
        atMs: random.between(0, LAST_START_MS),
        forMs: random.between(low, high),
      };
    });
    yield { faults: faults.sort((a, b) => a.atMs - b.atMs), beyond };
  }
}

/** Who may be missing from the agreement because of a fault; a partition hits its smaller side. */
export function hitBy(fault: Fault, members: number): readonly number[] {
  switch (fault.kind) {
    case 'kill':
    case 'pause':
    case 'skew':
      return [fault.node];
    case 'one-way':
      return [fault.from];
    case 'partition':
      return fault.side.length * 2 <= members ? fault.side : others(fault.side, members);
    case 'delay':
    case 'drop':
      return [];
    default:
      return fault satisfies never;
  }
}

function faultOf(
  random: Random,
  kind: FaultKind,
  node: number,
  hit: readonly number[],
  members: number,
): Fault {
  switch (kind) {
    case 'kill':
    case 'pause':
      return { kind, node };
    case 'partition':
      // All that this episode hits on one side, as far as there is another side; or one member alone.
      return {
        kind,
        side: random.chance(500) && hit.length < members ? hit : [node],
        how: random.pick(['silent', 'reset'] as const),
      };
    case 'one-way': {
      const to = others([node], members);
      return { kind, from: node, to: random.chance(500) ? to : [random.pick(to)] };
    }
    case 'delay': {
      const low = random.between(10, 150);
      return { kind, node: random.below(members), ms: [low, low + random.between(0, 250)] };
    }
    case 'drop':
      return { kind, node: random.below(members), everyMs: random.between(200, 1_500) };
    case 'skew':
      return { kind, node, ms: random.between(...SKEW_MS) * (random.chance(500) ? 1 : -1) };
    default:
      return kind satisfies never;
  }
}

class Deck {
  readonly #random: Random;
  readonly #kinds: readonly FaultKind[];
  #left: FaultKind[] = [];

  constructor(random: Random, kinds: readonly FaultKind[]) {
    this.#random = random;
    this.#kinds = kinds;
  }

  draw(): FaultKind {
    if (this.#left.length === 0)
      this.#left = shuffled(this.#random, this.#kinds.length).map((i) => this.#kinds[i]!);
    return this.#left.pop()!;
  }
}

function shuffled(random: Random, count: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i -= 1) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

function others(some: readonly number[], members: number): number[] {
  return Array.from({ length: members }, (_, i) => i).filter((i) => !some.includes(i));
}
