import { faultyOf } from '../../consensus/index.js';
import { SEATS_MIN } from '../../contracts/index.js';
import { STRATEGY_NAMES, type StrategyName } from './byzantine/index.js';
import type { Change } from './chain.js';
import type { RunPlan } from './plan.js';
import type { Random } from './random.js';

/** Nodes that may join in one run, beside those of genesis. */
export const JOINERS_MAX = 2;

/** Who comes and goes in a run. A node is at most once in it. */
export interface MembershipPlan {
  readonly eraHeights: number;
  /** What honest validators vote for as long as it has not come to pass. */
  readonly changes: readonly Change[];
  /** By joining node, from the first one on: when it comes up. */
  readonly beginsAt: readonly number[];
}

/** Of 1000 seeds, where the network is bad for a while. */
const DRAWN_PER_MILLE = 100;

/**
 * Adds joining nodes and the changes to a plan: by the seed, always or never. `mayLie`: a
 * node that joins may be dishonest. `eraHeights`: those of a given chain.
 *
 * Votes pass in any order, or never, so whatever subset of the changes stands, the dishonest among those with seats
 * are at most f. A run on a calm network has none: it looks at blocks alone.
 */
export function withMembership(
  random: Random,
  plan: RunPlan,
  wanted: boolean | undefined,
  mayLie: boolean,
  eraHeights: number = random.pick([1, 1, 2]),
): RunPlan {
  const isDrawn = random.chance(DRAWN_PER_MILLE);
  if (!(wanted ?? isDrawn) || plan.network.healsAt === 0) return plan;
  const { members } = plan;
  const joiners = random.between(1, JOINERS_MAX);
  const strategies: (readonly StrategyName[])[] = [...plan.strategies];
  for (let i = 0; i < joiners; i++) {
    strategies.push(mayLie && random.chance(150) ? [random.pick(STRATEGY_NAMES)] : []);
  }
  const first = random.below(members);
  const leavers = Array.from({ length: random.below(3) }, (_, i) => (first + i * i + i) % members);
  const drawn: Change[] = [
    ...[...new Set(leavers)].map((node) => ({ kind: 'leave', node }) as const),
    ...Array.from({ length: joiners }, (_, i) => ({ kind: 'join', node: members + i }) as const),
  ];
  // Dropped from the front until it is borne; without any change the dishonest are at most f.
  while (!isBorne(drawn, members, strategies)) drawn.shift();
  return {
    ...plan,
    strategies,
    clockRates: [
      ...plan.clockRates,
      ...Array.from({ length: joiners }, () => random.pick([1_000, 900, 1_100])),
    ],
    membership: {
      eraHeights,
      changes: drawn,
      beginsAt: Array.from({ length: joiners }, () => random.below(plan.network.healsAt)),
    },
  };
}

/** No subset of the changes that may stand leaves more dishonest seats than agreement bears. */
function isBorne(
  changes: readonly Change[],
  members: number,
  strategies: readonly (readonly StrategyName[])[],
): boolean {
  for (let subset = 0; subset < 1 << changes.length; subset++) {
    const seats = new Set(Array.from({ length: members }, (_, node) => node));
    for (const [i, { kind, node }] of changes.entries()) {
      if (((subset >> i) & 1) === 0) continue;
      if (kind === 'join') seats.add(node);
      else seats.delete(node);
    }
    // The contract refuses to go there.
    if (seats.size < Math.min(members, SEATS_MIN)) continue;
    const dishonest = [...seats].filter((node) => strategies[node]!.length > 0).length;
    if (dishonest > faultyOf(seats.size)) return false;
  }
  return true;
}

/** Whether a change has come to pass where these nodes have seats. */
export function isDone({ kind, node }: Change, seats: readonly number[]): boolean {
  return seats.includes(node) === (kind === 'join');
}

export function nameOf({ kind, node }: Change): string {
  return `${kind} ${node}`;
}
