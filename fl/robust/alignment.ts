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
 *   opposes: with A = Σ_t (⟨u_k/N_k, c_k⟩ - what the device's own known noise adds to it) and B = Σ_t ‖c_k‖²,
 *     refused while A/B < -1/16 and A is below -2.33 standard deviations of what that noise does to it (1 % of the
 *     honest, if they had no signal at all). c_k is the mean over units of this round's updates of devices that are
 *     not refused so far, and of the device's own; or of all updates if no other counts.
 *   distant: over the last 10 rounds, see windowDistance.ts.
 *   turned: from what is usual for the device, see turning.ts.
 * "Refused so far" is the device's latest verdict by these tests. So a device that is good again counts again, and
 *   nobody is locked out by one bad round; a round missed or over the norm cap changes nothing.
 * A device that was absent keeps its sums and is judged over the rounds in which it took part.
 * Why c_k holds the device's own update: honest devices with different data cancel out near the optimum, Σ N_k u_k = 0,
 *   so each of them opposes the mean of the *others* by right, and the more it holds what nobody else does, the more.
 *   With itself in it, the mean over units of A/B is 1 whatever the data, and near the optimum nothing is added. A
 *   lone attacker gains ‖u_k‖² N_k/ΣN by it, no more than one accomplice would give it.
 *
 * Rounding: each round's ⟨u_k/N_k, c_k⟩, ‖c_k‖² and share of noise is one exact fraction, rounded once to 2⁻¹²⁸ (halves
 *   away from zero). Everything after that is exact; the lines are cross-multiplied.
 * Score: A/B in 2⁻¹⁶ (1 agrees, 0 unrelated, -1 opposes; 0 if B = 0), cut to the safe integers.
 * Cost: O(n d) for the first test, O(n d (log n + w)) for the others; memory for w + 1 updates of each device.
 */
export const alignment = createAlignment(alignmentThresholds());

/** Where the rule itself draws its lines. */
export function alignmentThresholds(): AlignmentThresholds {
  return { opposing16: 1, noiseHundredths: 233, distanceTenths: 40, turningQuarters: 5 };
}

/** Where alignment draws its lines. The rule's own were chosen by bench/learning/calibration.ts. */
export interface AlignmentThresholds {
  /** A device opposes from -opposing16/16 of the others' energy on ... */
  readonly opposing16: number;
  /** ... and beyond so many hundredths of a standard deviation of its own known noise. */
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
    clip16: grid.clip16,
    sigma16: grid.sigma16,
  };
  const records = new Map((before?.devices ?? []).map((record) => [record.device, record]));
  const present = new Map(within.map((update) => [update.device, update]));
  for (const { device } of within) if (!records.has(device)) records.set(device, newRecord(device, kept));
  const reference = createReference(within, (device) => records.get(device)!.refused, grid);
  const devices = [...records.values()].sort(byDevice).map((record): DeviceRecord => {
    const update = present.get(record.device);
    const window = [...record.window.filter((_, index) => kept[index]), update?.wire ?? null];
    if (update === undefined) return { ...record, window };
    const { inner, energy } = reference(update);
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
 * ⟨u_k/N_k, c_k⟩ less what the device's own known noise adds to it, and ‖c_k‖², of one round, in units of 2⁻¹²⁸.
 *
 * With S the sum of the updates that count and M the sum of their units, c_k is S/M, or (S + u_k)/(M + N_k) where the
 * device does not count itself: inner products with S are enough, exactly. The noise in u_k meets itself in c_k: its
 * squared norm, d(σC)² on average, over N_k and c_k's units.
 */
function createReference(
  within: readonly RoundUpdate[],
  isRefused: (device: string) => boolean,
  grid: Grid,
): (update: RoundUpdate) => { inner: bigint; energy: bigint } {
  const counted = within.filter(({ device }) => !isRefused(device));
  const standing = new Set(counted);
  const sumOfCounted = sumOf(counted, grid.dimension);
  const sumOfAll = counted.length === within.length ? sumOfCounted : sumOf(within, grid.dimension);
  const deviation = BigInt(grid.clip16) * BigInt(grid.sigma16);
  const ownNoise = (BigInt(grid.dimension) * deviation * deviation) << (SUM_BITS - 64n);
  return (update) => {
    const others = counted.length - (standing.has(update) ? 1 : 0);
    const { sum, units, squared } = others === 0 ? sumOfAll : sumOfCounted;
    const joins = others > 0 && !standing.has(update);
    const withSum = dot(update.wire, sum);
    const ownSquared = joins ? squaredNorm(update.wire) : 0n;
    const allUnits = BigInt(units + (joins ? update.units : 0));
    const divisor = allUnits * BigInt(update.units);
    return {
      inner: toSumUnit(withSum + ownSquared, divisor, grid) - divideRoundedBig(ownNoise, divisor),
      energy: toSumUnit(joins ? squared + 2n * withSum + ownSquared : squared, allUnits * allUnits, grid),
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
  const distant = distantDevices(
    members,
    state.rounds,
    state.dimension,
    ROUNDS_MIN,
    thresholds.distanceTenths,
  );
  return members.map(({ units, record }, index) => ({
    reason: opposes(record, units, thresholds)
      ? 'opposes'
      : distant[index]
        ? 'distant'
        : turned[index]
          ? 'turned'
          : null,
    score16: record.energy === 0n ? 0 : clampToSafe(divideRoundedBig(record.inner << 16n, record.energy)),
  }));
}

/** A/B < -opposing16/16 and A < -2.33 √(Σ_t (σC)² ‖c‖²) / N_k. */
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
  const usual = { exponent: 0, multiple: 1, entries: new Int32Array() };
  return { device, refused: false, rounds: 0, inner: 0n, energy: 0n, noise: 0n, usual, window };
}

function byDevice(a: DeviceRecord, b: DeviceRecord): number {
  return a.device < b.device ? -1 : a.device > b.device ? 1 : 0;
}
