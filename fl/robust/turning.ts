import { type Grid, normCapSquared } from '../grid/index.js';
import { integerSqrt } from '../privacy/integerSqrt.js';
import type { Usual } from './alignmentState.js';
import { divideRounded, divideRoundedBig, squaredNorm } from './integers.js';
import { type RoundUpdate, UNITS_PER_DEVICE_MAX } from './rule.js';
import { medianTwiceOf } from './windowDistance.js';

/** A device of this round, and how it was wont to differ from the others; null in its first round. */
export interface TurningMember {
  readonly update: RoundUpdate;
  /** In how many rounds it took part, this one included. */
  readonly rounds: number;
  readonly usual: Usual | null;
}

export interface Turning {
  readonly turned: readonly boolean[];
  /** One a member, for the next round. */
  readonly usual: readonly Usual[];
}

/** A device is judged once it has so many rounds behind it; before, the model moves fast and devices differ by that. */
const ROUNDS_MIN = 10;
/** The usual moves by one in four of the way, and hardly in a round that is refused: who turned must turn back. */
const RATE = 4;
const RATE_TURNED = 64;
/** As many times the norm that the known noise explains is forgiven. */
const NOISES = 3;
/** A deviation is in 2⁻⁴ wire steps, a mean update in 2⁻¹⁶, a root keeps 2⁻²⁰ of what it is the root of. */
const DEVIATION_BITS = 4;
const MEAN_BITS = 16;
const ROOT_BITS = 20n;

/**
 * Which devices no longer differ from the others as they did: alignment's third test.
 *
 * With m the coordinate-wise median of this round's mean updates, e_k = u_k/N_k - m is how device k differs. An honest
 * device trains on the same records in every round, so its e_k drifts, and slowly; whoever begins to train on other
 * labels jumps. v_k, what is usual, follows e_k by a quarter of the way a round. Turned, from the 10th own round on:
 * ‖e_k - v_k‖ > max(5/4 · median_j ‖e_j‖, 3 · σC√d / N_k), the 5/4 being `quarters`. If updates were nothing but
 * fresh noise around m, ‖e_k - v_k‖ would be √(8/7) of ‖e_k‖, so 5/4 refuses none of a large model for its noise.
 *
 * In a refused round the usual follows by a 64th: whoever turned stays refused until it turns back, for several tens
 *   of rounds, while one that the model's own movement has carried too far comes back by itself.
 * Rounding: means in 2⁻¹⁶ wire steps, N_k e_k in 2⁻⁴, halves away from zero; roots are floors. All else is exact.
 * Cost: O(n d log n).
 */
export function judgeTurning(members: readonly TurningMember[], grid: Grid, quarters: number): Turning {
  if (members.length === 0) return { turned: [], usual: [] };
  const unit = { exponent: grid.fineExponent + grid.wireShift - DEVIATION_BITS, multiple: grid.wireMultiple };
  const deviations = deviationsOf(
    members.map(({ update }) => update),
    Number(usualMax(grid)),
  );
  const norms = deviations
    .map((deviation, index) => root(squaredNorm(deviation)) / BigInt(members[index]!.update.units))
    .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const medianTwice = norms[(norms.length - 1) >> 1]! + norms[norms.length >> 1]!;
  const turned: boolean[] = [];
  const usual = members.map(({ update, rounds, usual: before }, index): Usual => {
    const deviation = deviations[index]!;
    if (before === null) {
      turned.push(false);
      return { ...unit, entries: deviation };
    }
    const from = rescale(before, unit, Number(usualMax(grid)));
    const jump = squaredNorm(Float64Array.from(deviation, (entry, at) => entry - from[at]!));
    const isFar = 8n * root(jump) > BigInt(quarters * update.units) * medianTwice;
    turned.push(rounds >= ROUNDS_MIN && isFar && isBeyondNoise(jump, unit, grid));
    const rate = turned[index] ? RATE_TURNED : Math.min(RATE, rounds);
    return {
      ...unit,
      entries: from.map((entry, at) => entry + divideRounded(deviation[at]! - entry, rate)),
    };
  });
  return { turned, usual };
}

/** No entry of what is usual is larger: what a device of 10,000 units may send, in units of 2⁻⁴ wire steps. */
export function usualMax(grid: Grid): bigint {
  const largest = integerSqrt(normCapSquared(grid, UNITS_PER_DEVICE_MAX)) << BigInt(DEVIATION_BITS);
  const max = 2n ** 31n - 1n;
  return largest < max ? largest : max;
}

/** N_k (u_k/N_k - m) of each update, in 2⁻⁴ wire steps. */
function deviationsOf(updates: readonly RoundUpdate[], max: number): Int32Array[] {
  const means = updates.map(({ wire, units }) =>
    Float64Array.from(wire, (entry) => divideRounded(entry * 2 ** MEAN_BITS, units)),
  );
  const twice = medianTwiceOf(means);
  return updates.map(({ wire, units }) =>
    wire.map((entry, at) =>
      clamp(
        entry * 2 ** DEVIATION_BITS - timesRounded(units, twice[at]!, MEAN_BITS + 1 - DEVIATION_BITS),
        max,
      ),
    ),
  );
}

/** units · value / 2^bits, rounded; as big integers where the product could pass 2⁵¹. */
function timesRounded(units: number, value: number, bits: number): number {
  const product = units * value;
  return Math.abs(product) < 2 ** 51
    ? divideRounded(product, 2 ** bits)
    : Number(divideRoundedBig(BigInt(units) * BigInt(value), 1n << BigInt(bits)));
}

type StepUnit = Pick<Usual, 'exponent' | 'multiple'>;

/** jump > (3 σC)² d, the one in units of (multiple · 2^exponent)², the other in 2⁻⁶⁴. */
function isBeyondNoise(
  jump: bigint,
  { exponent, multiple }: StepUnit,
  { clip16, sigma16, dimension }: Grid,
): boolean {
  const deviation = BigInt(NOISES) * BigInt(clip16) * BigInt(sigma16);
  const left = jump * BigInt(multiple) ** 2n;
  const right = deviation * deviation * BigInt(dimension);
  const shift = BigInt(2 * exponent + 64);
  return shift >= 0n ? left << shift > right : left > right << -shift;
}

/** The same vector in another unit, rounded. Beyond 2⁵⁰ anything is zero, or as large as can be. */
function rescale({ entries, ...from }: Usual, to: StepUnit, max: number): Int32Array {
  if (from.exponent === to.exponent && from.multiple === to.multiple) return entries;
  const shift = BigInt(Math.max(-50, Math.min(50, from.exponent - to.exponent)));
  const times = BigInt(from.multiple) << (shift > 0n ? shift : 0n);
  const divisor = BigInt(to.multiple) << (shift < 0n ? -shift : 0n);
  return entries.map((entry) => clamp(Number(divideRoundedBig(BigInt(entry) * times, divisor)), max));
}

function clamp(value: number, max: number): number {
  return Math.max(-max, Math.min(max, value));
}

function root(squared: bigint): bigint {
  return integerSqrt(squared << (2n * ROOT_BITS));
}
