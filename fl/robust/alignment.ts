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
import { judgeTurning, type Turning } from './turning.js';
import { distantDevices } from './windowDistance.js';

/** A device is judged from its 4th round on: round 4 of the task, if it was never absent. */
const ROUNDS_MIN = 4;

/**
 * Alignment: does a device pull where the others pull, over all rounds and over the last ones, and as it did before?
 *
 * Three absolute tests, the first two from the device's 4th round on, the third from its 10th.
 *   opposes: with A = Σ_t ⟨u_k/N_k, c_{-k}⟩, B = Σ_t ‖c_{-k}‖² and U = Σ_t ‖u_k/N_k‖² (without what the known noise
 *     adds to it on average), refused while A/B < -1/4, and A is below -2.33 standard deviations of what the known noise
 *     of the device's own updates does to it (1 % of the honest, if they had no signal at all), and either the angle
 *     says so, A/√(BU) < -1/2, or A/B < -1/2 lies apart from that of the others: below their median by more than 8 of
 *     the median deviations from it. c_{-k} is the mean over units of this round's others that are not refused so far, or
 *     of all updates if there are none. Hospitals that merely differ have long updates at wide angles and are scattered;
 *     flippers are at sharp ones, or a group of their own.
 *   distant: over the last 10 rounds, see windowDistance.ts.
 *   turned: from what is usual for the device, see turning.ts.
 * "Refused so far" is the device's latest verdict by these tests. So a device that is good again counts again, and
 *   nobody is locked out by one bad round; a round missed or over the norm cap changes nothing.
 * A device that was absent keeps its sums and is judged over the rounds in which it took part.
 *
 * Rounding: each round's ⟨u_k/N_k, c_{-k}⟩, ‖c_{-k}‖² and ‖u_k/N_k‖² is one exact fraction, rounded once to 2⁻¹²⁸
 *   (halves away from zero), A/B for the comparison with the others to 2⁻¹⁶. Everything after that is exact; the lines
 *   are cross-multiplied.
 * Score: A/B in 2⁻¹⁶ (1 agrees, 0 unrelated, -1 opposes; 0 if B = 0), cut to the safe integers.
 * Cost: O(n d) for the first test, O(n d (log n + w)) for the others; memory for w + 1 updates of each device.
 */
export const alignment = createAlignment(alignmentThresholds());

/** Where the rule itself draws its lines. */
export function alignmentThresholds(): AlignmentThresholds {
  return {
    opposing16: 4,
    angle16: 8,
    apart: 8,
    noiseHundredths: 233,
    distanceTenths: 50,
    turningQuarters: 5,
  };
}

/** Where alignment draws its lines. The rule's own were chosen by bench/learning/calibration.ts. */
export interface AlignmentThresholds {
  /** A device opposes from -opposing16/16 of the others' energy on ... */
  readonly opposing16: number;
  /** ... at a cosine below -angle16/16 ... */
  readonly angle16: number;
  /** ... or from twice as much on, if it is so many median deviations below the median, */
  readonly apart: number;
  /** and beyond so many hundredths of a standard deviation of its own known noise. */
  readonly noiseHundredths: number;
  /** It is distant beyond so many tenths of the median distance. */
  readonly distanceTenths: number;
  /** It has turned beyond so many quarters of the median distance in one round. */
  readonly turningQuarters: number;
}

/** How the state becomes bytes and is read again. */
export interface StateCodec {
  readonly encode: (state: AlignmentState) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => AlignmentState;
}

/** Studies may keep the state in memory instead: half the time of small models goes into its bytes. */
export function createAlignment(
  thresholds: AlignmentThresholds,
  { encode, decode }: StateCodec = { encode: encodeAccumulator, decode: decodeAccumulator },
): VerificationRule {
  return withCap({
    name: 'alignment',
    absolute: true,
    remembers: true,
    judge: (updates, accumulator, context) => {
      const before = accumulator === null ? null : decode(accumulator);
      checkSequel(before, context.round, context.grid);
      const observed = observe(before, updates, context.round, context.grid);
      const turning = turningOf(before, observed, updates, context.grid, thresholds);
      const judgements = judge(observed, updates, turning, thresholds);
      return { judgements, accumulator: encode(settle(observed, updates, judgements, turning)) };
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
    stepExponent: grid.fineExponent + grid.wireShift,
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
    const { inner, energy } = reference(update, now.stepExponent);
    const deviation = BigInt(grid.clip16) * BigInt(grid.sigma16);
    return {
      ...record,
      rounds: record.rounds + 1,
      inner: record.inner + inner,
      energy: record.energy + energy,
      noise: record.noise + deviation * deviation * energy,
      own: record.own + ownEnergy(update, now),
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
): (update: RoundUpdate, stepExponent: number) => { inner: bigint; energy: bigint } {
  const counted = within.filter(({ device }) => !isRefused(device));
  const standing = new Set(counted);
  const sumOfCounted = sumOf(counted, within[0]?.wire.length ?? 0);
  const sumOfAll = counted.length === within.length ? sumOfCounted : sumOf(within, sumOfCounted.sum.length);
  return (update, stepExponent) => {
    const own = standing.has(update);
    const alone = counted.length - (own ? 1 : 0) === 0;
    const { sum, units, squared } = alone ? sumOfAll : sumOfCounted;
    const subtract = own && !alone;
    const withSum = dot(update.wire, sum);
    const ownSquared = subtract ? squaredNorm(update.wire) : 0n;
    const otherUnits = BigInt(units - (subtract ? update.units : 0));
    return {
      inner: toSumUnit(withSum - ownSquared, otherUnits * BigInt(update.units), stepExponent),
      energy: toSumUnit(
        subtract ? squared - 2n * withSum + ownSquared : squared,
        otherUnits * otherUnits,
        stepExponent,
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

/** numerator / denominator squared wire steps, in units of 2⁻¹²⁸. */
function toSumUnit(numerator: bigint, denominator: bigint, stepExponent: number): bigint {
  const shift = BigInt(2 * stepExponent) + SUM_BITS;
  return shift >= 0n
    ? divideRoundedBig(numerator << shift, denominator)
    : divideRoundedBig(numerator, denominator << -shift);
}

/** ‖u_k/N_k‖² - d (σC)²/N_k², in units of 2⁻¹²⁸. */
function ownEnergy({ wire, units }: RoundUpdate, { stepExponent, clip16, sigma16 }: WindowRound): bigint {
  const squaredUnits = BigInt(units) * BigInt(units);
  const deviation = BigInt(clip16) * BigInt(sigma16);
  const noise = (BigInt(wire.length) * deviation * deviation) << (SUM_BITS - 64n);
  return toSumUnit(squaredNorm(wire), squaredUnits, stepExponent) - divideRoundedBig(noise, squaredUnits);
}

function turningOf(
  before: AlignmentState | null,
  observed: AlignmentState,
  within: readonly RoundUpdate[],
  grid: Grid,
  { turningQuarters }: AlignmentThresholds,
): Turning {
  const known = new Set(before?.devices.map(({ device }) => device));
  const records = new Map(observed.devices.map((record) => [record.device, record]));
  const members = within.map((update) => {
    const { rounds, usual } = records.get(update.device)!;
    return { update, rounds, usual: known.has(update.device) ? usual : null };
  });
  return judgeTurning(members, grid, turningQuarters);
}

function judge(
  state: AlignmentState,
  within: readonly RoundUpdate[],
  { turned }: Turning,
  thresholds: AlignmentThresholds,
): Judgement[] {
  const records = new Map(state.devices.map((record) => [record.device, record]));
  const members = within.map(({ device, units }) => ({ units, record: records.get(device)! }));
  const ratios = members.map(({ record: { inner, energy } }) =>
    energy === 0n ? 0n : divideRoundedBig(inner << 16n, energy),
  );
  const apart = liesApart(ratios, thresholds.apart);
  const distant = distantDevices(
    members,
    state.rounds,
    state.dimension,
    ROUNDS_MIN,
    thresholds.distanceTenths,
  );
  return members.map(({ units, record }, index) => ({
    reason: opposes(record, units, apart[index]!, thresholds)
      ? 'opposes'
      : distant[index]
        ? 'distant'
        : turned[index]
          ? 'turned'
          : null,
    score16: clampToSafe(ratios[index]!),
  }));
}

/** A/B < -1/4, and A < -2.33 √(Σ_t (σC)² ‖c‖²) / N_k, and A/√(BU) < -1/2, or A/B < -1/2 and it lies apart. */
function opposes(
  { rounds, inner, energy, noise, own }: DeviceRecord,
  units: number,
  apart: boolean,
  { opposing16, angle16, noiseHundredths }: AlignmentThresholds,
): boolean {
  if (rounds < ROUNDS_MIN || inner >= 0n || -16n * inner <= BigInt(opposing16) * energy) return false;
  const scaled = 100n * inner * BigInt(units);
  if (scaled * scaled <= (BigInt(noiseHundredths * noiseHundredths) * noise) << 64n) return false;
  if (apart && -8n * inner > BigInt(opposing16) * energy) return true;
  return 256n * inner * inner > BigInt(angle16 * angle16) * energy * own;
}

/** Which ratios are below the median by more than `times` the median deviation from it; whole numbers. */
function liesApart(ratios: readonly bigint[], times: number): boolean[] {
  const middleTwice = twiceMedian(ratios);
  const deviation = twiceMedian(ratios.map((ratio) => magnitude(2n * ratio - middleTwice)));
  return ratios.map((ratio) => 2n * (middleTwice - 2n * ratio) > BigInt(times) * deviation);
}

function twiceMedian(values: readonly bigint[]): bigint {
  const sorted = [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return (sorted[(sorted.length - 1) >> 1] ?? 0n) + (sorted[sorted.length >> 1] ?? 0n);
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}

/** The state with this round's verdicts. */
function settle(
  state: AlignmentState,
  within: readonly RoundUpdate[],
  judgements: readonly Judgement[],
  turning: Turning,
): AlignmentState {
  const refused = new Map(
    within.map(({ device }, index) => [device, judgements[index]!.reason !== null] as const),
  );
  const usual = new Map(within.map(({ device }, index) => [device, turning.usual[index]!] as const));
  return {
    ...state,
    devices: state.devices.map((record) => ({
      ...record,
      usual: usual.get(record.device) ?? record.usual,
      refused: refused.get(record.device) ?? record.refused,
    })),
  };
}

function newRecord(device: string, kept: readonly boolean[]): DeviceRecord {
  const window = kept.map(() => null);
  const usual = { exponent: 0, entries: new Int32Array() };
  return { device, refused: false, rounds: 0, inner: 0n, energy: 0n, noise: 0n, own: 0n, usual, window };
}

function byDevice(a: DeviceRecord, b: DeviceRecord): number {
  return a.device < b.device ? -1 : a.device > b.device ? 1 : 0;
}
