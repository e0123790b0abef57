import type { Step } from '../../chain/index.js';
import { type AgreementParams, faultyOf } from '../../consensus/index.js';
import { STRATEGY_NAMES, type StrategyName } from './byzantine/index.js';
import type { MembershipPlan } from './membership.js';
import { calmNetwork, type NetworkPlan, planNetwork } from './network.js';
import type { Random } from './random.js';

export const PARAMS: AgreementParams = {
  deadlineMs: 800,
  deadlineDoublingsMax: 3,
  deadlineCapMs: 6_000,
  filterMs: 250,
  resendMs: 300,
  payloadBytesPerMs: 1_000,
  payloadExtensionMsMax: 2_000,
};

export const HEIGHTS = 5;

/** Nodes come up within this time. */
export const BEGIN_MS_MAX = 100;

export const PAYLOAD_BYTES_MAX = 900_000;

/** What a node writes to disk before anybody hears of it. */
export type Write = Step | 'block' | 'commit';

const WRITES: readonly Write[] = ['soft', 'cert', 'next', 'block', 'commit'];

/** Everything about a run that is drawn before it begins. Chances per mille, times in ms. */
export interface RunPlan {
  /** Those of genesis; who may join comes behind them in the lists by node. */
  readonly members: number;
  readonly heights: number;
  readonly params: AgreementParams;
  readonly network: NetworkPlan;
  /** By node: what it does if it is dishonest; nothing for an honest one. */
  readonly strategies: readonly (readonly StrategyName[])[];
  /** By node: how fast its clock runs, per mille. */
  readonly clockRates: readonly number[];
  /** What blocks announce; drawn for each. */
  readonly payloadBytes: readonly number[];
  /** Bodies come with the proposal instead of on request. */
  readonly bodiesTravelAlong: boolean;
  /** Chance of a crash at each of these writes, until the network heals. */
  readonly crash: { readonly perMille: number; readonly at: readonly Write[] };
  /** Until when, at most, a node waits for a reason to agree on the next height. */
  readonly idleMsMax: number;
  readonly judgeMsMax: number;
  readonly commitMsMax: number;
  /** Null: the validators of genesis stay, and nobody joins. */
  readonly membership: MembershipPlan | null;
}

/** `byzantine`: strategies of each of f dishonest members; none of them; or, left out, by the seed. */
export function planRun(
  random: Random,
  members: number,
  heights: number,
  byzantine?: readonly StrategyName[],
): RunPlan {
  // Some runs are for blocks alone: nothing is wrong, and yet links may be slower than the first deadline.
  const isCalm = byzantine === undefined && random.chance(80);
  return {
    members,
    heights,
    strategies: planStrategies(random, members, isCalm ? [] : byzantine),
    network: isCalm
      ? calmNetwork(1, random.pick([40, 200, 500, 500]), random.pick([1_000, 5_000]))
      : planNetwork(random, members),
    // A short deadline under a slow network makes many periods.
    params: { ...PARAMS, deadlineMs: isCalm ? 300 : random.pick([PARAMS.deadlineMs, 300]) },
    clockRates: Array.from({ length: members }, () => random.pick([1_000, 1_000, 900, 1_100])),
    payloadBytes: [0, 0, 100_000, PAYLOAD_BYTES_MAX],
    bodiesTravelAlong: random.chance(700),
    crash: planCrashes(random),
    idleMsMax: isCalm ? 300 : random.pick([300, 300, 300, 4_000]),
    judgeMsMax: 10,
    commitMsMax: 5,
    membership: null,
  };
}

/** All honest, all well, every link as slow as the other. */
export function planCalm(members: number, heights: number, linkMs: number): RunPlan {
  return {
    members,
    heights,
    strategies: Array.from({ length: members }, () => []),
    network: calmNetwork(linkMs, linkMs, 5_000),
    params: { ...PARAMS, deadlineMs: Math.max(1_500, 10 * linkMs), filterMs: Math.max(250, 2 * linkMs) },
    clockRates: Array.from({ length: members }, () => 1_000),
    payloadBytes: [0],
    bodiesTravelAlong: true,
    crash: { perMille: 0, at: [] },
    idleMsMax: 0,
    judgeMsMax: 10,
    commitMsMax: 5,
    membership: null,
  };
}

/** Those that split what honest members know are drawn more often: they find more. */
const DRAWN: readonly StrategyName[] = [
  ...STRATEGY_NAMES,
  'equivocatingLeader',
  'equivocatingLeader',
  'equivocatingLeader',
  'whisper',
  'emptyPartisan',
  'selectiveSending',
];

/** None, some at every write, or many at one kind of write. */
function planCrashes(random: Random): RunPlan['crash'] {
  if (random.chance(300)) return { perMille: 0, at: [] };
  if (random.chance(500)) return { perMille: random.pick([20, 80, 200]), at: WRITES };
  return { perMille: 300, at: [random.pick(WRITES)] };
}

function planStrategies(
  random: Random,
  members: number,
  byzantine: readonly StrategyName[] | undefined,
): readonly (readonly StrategyName[])[] {
  const f = faultyOf(members);
  const drawn = random.chance(250) || f === 0 ? 0 : random.between(1, f);
  const dishonest = byzantine === undefined ? drawn : byzantine.length > 0 ? Math.max(1, f) : 0;
  const first = random.below(members);
  return Array.from({ length: members }, (_, node) => {
    const names = new Set(Array.from({ length: random.pick([1, 1, 1, 2, 2, 3]) }, () => random.pick(DRAWN)));
    return (node - first + members) % members < dishonest ? (byzantine ?? [...names]) : [];
  });
}
