import { strict as assert } from 'node:assert';
import type { Grid } from '../grid/index.js';
import { decodeAccumulator, encodeAccumulator } from './accumulator.js';
import {
  type AlignmentState,
  type DeviceRecord,
  SUM_BITS,
  WINDOW_ROUNDS,
  type WindowRound,
} from './alignmentState.js';
import { clampToSafe, divideRoundedBig, dot, squaredNorm } from './integers.js';
import { type Judgement, type RoundUpdate, type VerificationRule, withCap } from './rule.js';
import { distantDevices } from './windowDistance.js';

/** A device is judged from its 4th round on: round 4 of the task, if it was never absent. */
const ROUNDS_MIN = 4;

/**
 * Alignment: does a device pull where the others pull, over all rounds and over the last ones?
 *
 * Two absolute tests, from the device's 4th round on.
 *   opposes: with A = Σ_t ⟨u_k/N_k, c_{-k}⟩ and B = Σ_t ‖c_{-k}‖², refused while A/B < -1/4 and A is below -2.33
 *     standard deviations of what the known noise of the device's own updates does to it (1 % of the honest, if
 *     they had no signal at all). c_{-k} is the mean over units of this round's others that are not refused so far,
 *     or of all updates if there are none.
 *   distant: over the last 10 rounds, see windowDistance.ts.
 * "Refused so far" is the device's latest verdict by these tests. So a device that is good again counts again, and
 *   nobody is locked out by one bad round; a round missed or over the norm cap changes nothing.
 * A device that was absent keeps its sums and is judged over the rounds in which it took part.
 *
 * Rounding: each round's ⟨u_k/N_k, c_{-k}⟩ and ‖c_{-k}‖² is one exact fraction, rounded once to 2⁻¹²⁸ (halves away
 *   from zero). Everything after that is exact; 2.33, 1/4 and 3 are cross-multiplied.
 * Score: A/B in 2⁻¹⁶ (1 agrees, 0 unrelated, -1 opposes; 0 if B = 0), cut to the safe integers.
 * Cost: O(n d) for the first test, O(n d (log n + w)) for the second; memory for w updates of each device.
 */
export const alignment = createAlignment({ opposing16: 4, noiseHundredths: 233, distanceTenths: 30 });

/** Where alignment draws its lines. The rule's own were chosen by bench/calibration.ts. */
export interface AlignmentThresholds {
  /** A device opposes from -opposing16/16 of the others' energy on. */
  readonly opposing16: number;
  /** ... and beyond so many hundredths of a standard deviation of its own known noise. */
  readonly noiseHundredths: number;
  /** It is distant beyond so many tenths of the median distance. */
  readonly distanceTenths: number;
}

export function createAlignment(thresholds: AlignmentThresholds): VerificationRule {
  return withCap({
    name: 'alignment',
    absolute: true,
    remembers: true,
    judge: (updates, accumulator, context) => {
      const before = accumulator === null ? null : decodeAccumulator(accumulator);
      checkSequel(before, context.round, context.grid);
      const observed = observe(before, updates, context.round, context.grid);
      const judgements = judge(observed, updates, thresholds);
      return { judgements, accumulator: encodeAccumulator(settle(observed, updates, judgements)) };
    },
  });
}

function checkSequel(before: AlignmentState | null, round: number, grid: Grid): void {
  if (before === null) return;
  assert.equal(before.dimension, grid.dimension, 'the accumulator is of this task');
  assert.ok(before.rounds.at(-1)!.round < round, 'a round is judged once, in order');
}

/** The state with this round's updates in the sums and in the window. */
function observe(
  before: AlignmentState | null,
  within: readonly RoundUpdate[],
  round: number,
  grid: Grid,
): AlignmentState {
  const kept = (before?.rounds ?? []).map((old) => old.round > round - WINDOW_ROUNDS);
  const now: WindowRound = {
    round,
    clip16: grid.clip16,
    sigma16: grid.sigma16,
  };
  const records = new Map((before?.devices ?? []).map((record) => [record.device, record]));
  const present = new Map(within.map((update) => [update.device, update]));
  for (const { device } of within) if (!records.has(device)) records.set(device, newRecord(device, kept));
  const reference = createReference(within, (device) => records.get(device)!.refused);
  const devices = [...records.values()].sort(byDevice).map((record): DeviceRecord => {
    const update = present.get(record.device);
    const window = [...record.window.filter((_, index) => kept[index]), update?.wire ?? null];
    if (update === undefined) return { ...record, window };
    const { inner, energy } = reference(update, grid);
    const deviation = BigInt(grid.clip16) * BigInt(grid.sigma16);
    return {
      ...record,
      rounds: record.rounds + 1,
      inner: record.inner + inner,
      energy: record.energy + energy,
      noise: record.noise + deviation * deviation * energy,
      window,
    };
  });
  const rounds = [...(before?.rounds ?? []).filter((_, index) => kept[index]), now];
  return { dimension: grid.dimension, rounds, devices };
}

/**
 * ⟨u_k/N_k, c_{-k}⟩ and ‖c_{-k}‖² of one round, in units of 2⁻¹²⁸.
 *
 * With S the sum of the updates that count and M the sum of their units, c_{-k} = (S - u_k) / (M - N_k): inner
 * products with S are enough, exactly.
 */
function createReference(
  within: readonly RoundUpdate[],
  isRefused: (device: string) => boolean,
): (update: RoundUpdate, grid: Grid) => { inner: bigint; energy: bigint } {
  const counted = within.filter(({ device }) => !isRefused(device));
  const standing = new Set(counted);
  const sumOfCounted = sumOf(counted, within[0]?.wire.length ?? 0);
  const sumOfAll = counted.length === within.length ? sumOfCounted : sumOf(within, sumOfCounted.sum.length);
  return (update, grid) => {
    const own = standing.has(update);
    const alone = counted.length - (own ? 1 : 0) === 0;
    const { sum, units, squared } = alone ? sumOfAll : sumOfCounted;
    const subtract = own && !alone;
    const withSum = dot(update.wire, sum);
    const ownSquared = subtract ? squaredNorm(update.wire) : 0n;
    const otherUnits = BigInt(units - (subtract ? update.units : 0));
    return {
      inner: toSumUnit(withSum - ownSquared, otherUnits * BigInt(update.units), grid),
      energy: toSumUnit(
        subtract ? squared - 2n * withSum + ownSquared : squared,
        otherUnits * otherUnits,
        grid,
      ),
    };
  };
}

function sumOf(
  updates: readonly RoundUpdate[],
  dimension: number,
): { sum: Float64Array; units: number; squared: bigint } {
  const sum = new Float64Array(dimension);
  let units = 0;
  for (const update of updates) {
    units += update.units;
    for (let index = 0; index < dimension; index++) sum[index]! += update.wire[index]!;
  }
  return { sum, units, squared: squaredNorm(sum) };
}

/** squares / denominator squared wire steps, in units of 2⁻¹²⁸. */
function toSumUnit(squares: bigint, denominator: bigint, grid: Grid): bigint {
  const shift = BigInt(2 * (grid.fineExponent + grid.wireShift)) + SUM_BITS;
  const numerator = squares * BigInt(grid.wireMultiple) ** 2n;
  return shift >= 0n
    ? divideRoundedBig(numerator << shift, denominator)
    : divideRoundedBig(numerator, denominator << -shift);
}

function judge(
  state: AlignmentState,
  within: readonly RoundUpdate[],
  thresholds: AlignmentThresholds,
): Judgement[] {
  const records = new Map(state.devices.map((record) => [record.device, record]));
  const members = within.map(({ device, units }) => ({ units, record: records.get(device)! }));
  const distant = distantDevices(
    members,
    state.rounds,
    state.dimension,
    ROUNDS_MIN,
    thresholds.distanceTenths,
  );
  return members.map(({ units, record }, index) => ({
    reason: opposes(record, units, thresholds) ? 'opposes' : distant[index] ? 'distant' : null,
    score16: record.energy === 0n ? 0 : clampToSafe(divideRoundedBig(record.inner << 16n, record.energy)),
  }));
}

/** A/B < -1/4 and A < -2.33 √(Σ_t (σC)² ‖c‖²) / N_k. */
function opposes(
  { rounds, inner, energy, noise }: DeviceRecord,
  units: number,
  { opposing16, noiseHundredths }: AlignmentThresholds,
): boolean {
  if (rounds < ROUNDS_MIN || inner >= 0n || -16n * inner <= BigInt(opposing16) * energy) return false;
  const scaled = 100n * inner * BigInt(units);
  return scaled * scaled > (BigInt(noiseHundredths * noiseHundredths) * noise) << 64n;
}

/** The state with this round's verdicts. */
function settle(
  state: AlignmentState,
  within: readonly RoundUpdate[],
  judgements: readonly Judgement[],
): AlignmentState {
  const refused = new Map(
    within.map(({ device }, index) => [device, judgements[index]!.reason !== null] as const),
  );
  return {
    ...state,
    devices: state.devices.map((record) => ({
      ...record,
      refused: refused.get(record.device) ?? record.refused,
    })),
  };
}

function newRecord(device: string, kept: readonly boolean[]): DeviceRecord {
  const window = kept.map(() => null);
  return { device, refused: false, rounds: 0, inner: 0n, energy: 0n, noise: 0n, window };
}

function byDevice(a: DeviceRecord, b: DeviceRecord): number {
  return a.device < b.device ? -1 : a.device > b.device ? 1 : 0;
}
