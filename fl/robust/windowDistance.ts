import { createGrid, type Grid, powerOfTwo } from '../grid/index.js';
import { integerSqrt } from '../privacy/integerSqrt.js';
import { type DeviceRecord, WINDOW_ROUNDS, type WindowRound } from './alignmentState.js';
import { divideRounded, squaredNorm } from './integers.js';

/** A device of this round with its record, this round included. */
export interface WindowMember {
  readonly units: number;
  readonly record: DeviceRecord;
}

/** Means are in units of 2⁻¹⁶ of the least power of two that no wire step of the window exceeds. */
const MEAN_BITS = 16;
/** Distances, roots of sums of squares, keep this many bits more. */
const ROOT_BITS = 8n;

/**
 * Which devices are too far from the others over the window: alignment's second test.
 *
 * A device is judged over the rounds R of the window in which it took part, once these are at least `roundsMin`.
 * Everybody present who took part in at least half of R is averaged over the rounds shared with R; m is the
 * coordinate-wise median of these means. The device is distant if the distance from its own mean to m exceeds
 * 3 (`distanceTenths` / 10) · max(median of all these distances, √(d Σ_{t in R} (σC)²) / (N_k |R|)). So an absence changes what a device
 * is compared with, and late joiners are not compared with rounds that they have not seen. With nobody absent, R
 * is the window, and this is the plain test.
 *
 * Rounding: a mean's entries are whole numbers of 2⁻¹⁶ of the power of two at or above the coarsest wire step, halves
 *   away from zero; a median of an even number is kept exact by doubling; distances are floors of roots in 2⁻²⁵ of it.
 *   All else is exact.
 * Cost: O(n d (log n + w)) for each distinct R, of which there is one when nobody is absent.
 */
export function distantDevices(
  members: readonly WindowMember[],
  rounds: readonly WindowRound[],
  dimension: number,
  roundsMin: number,
  distanceTenths: number,
): boolean[] {
  const spreads = new Map<number, Spread>();
  const grids = rounds.map(({ clip16, sigma16 }) => createGrid({ dimension, clip16, sigma16 }));
  return members.map(({ units, record }, index) => {
    const mask = attendance(record);
    const length = countBits(mask);
    if (length < roundsMin) return false;
    const spread = spreads.get(mask) ?? measureSpread(members, grids, mask);
    spreads.set(mask, spread);
    const squared = spread.squaredDistances.get(index)!;
    if (20n * root(squared) <= BigInt(distanceTenths) * spread.medianTwice) return false;
    // (N_k |R| · distance)² > factor² · d Σ (σC)², with distance² in units of 2^(2·exponent - 34), (σC)² in 2⁻⁶⁴.
    const factor = BigInt(units) * BigInt(length);
    const shift = BigInt(2 * (spread.exponent - MEAN_BITS - 1) + 64);
    const left = 100n * squared * factor * factor;
    const right = BigInt(distanceTenths * distanceTenths) * BigInt(dimension) * noiseVariance(rounds, mask);
    return shift >= 0n ? left << shift > right : left > right << -shift;
  });
}

interface Spread {
  /** Of the least power of two that no wire step among the rounds exceeds. */
  readonly exponent: number;
  /** By index of the member: ‖2 mean - 2 m‖². */
  readonly squaredDistances: ReadonlyMap<number, bigint>;
  /** Sum of the two middle distances (twice the one, if their number is odd), in the unit of `root`. */
  readonly medianTwice: bigint;
}

/** Means of the members over the rounds of `mask`, their median and how far each is from it. */
function measureSpread(members: readonly WindowMember[], grids: readonly Grid[], mask: number): Spread {
  const exponent = Math.max(...grids.filter((_, index) => mask & (1 << index)).map(stepExponent));
  const compared = [...members.keys()].filter(
    (index) => 2 * countBits(attendance(members[index]!.record) & mask) >= countBits(mask),
  );
  const means = compared.map((index) => windowMean(members[index]!, grids, mask, exponent));
  const middle = medianTwiceOf(means);
  const squaredDistances = new Map(
    means.map((mean, position) => [
      compared[position]!,
      squaredNorm(mean.map((entry, coordinate) => 2 * entry - middle[coordinate]!)),
    ]),
  );
  const roots = [...squaredDistances.values()].map(root).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const medianTwice = roots[(roots.length - 1) >> 1]! + roots[roots.length >> 1]!;
  return { exponent, squaredDistances, medianTwice };
}

/** Mean of u_k / N_k over the rounds of `mask` in which the device took part, in units of 2^(exponent - 16). */
function windowMean(
  { units, record }: WindowMember,
  grids: readonly Grid[],
  mask: number,
  exponent: number,
): Float64Array {
  const shared = grids.flatMap(({ fineExponent, wireShift, wireMultiple }, index) => {
    const wire = mask & (1 << index) ? record.window[index]! : null;
    const bits = MEAN_BITS - (exponent - fineExponent - wireShift);
    return wire === null ? [] : [{ wire, wireMultiple, bits }];
  });
  const sums = new Float64Array(shared[0]!.wire.length);
  for (const { wire, wireMultiple, bits } of shared) {
    // A step is at most 2¹⁶ units, and below 2⁻⁴² of one anything on the wire rounds to zero.
    const scale = powerOfTwo(Math.min(50, Math.abs(bits)));
    const perStep = bits >= 0 ? wireMultiple * scale : wireMultiple;
    const divisor = bits >= 0 ? 1 : scale;
    for (let index = 0; index < sums.length; index++)
      sums[index]! += divideRounded(wire[index]! * perStep, divisor);
  }
  return sums.map((sum) => divideRounded(sum, units * shared.length));
}

/** Of the least power of two that is at least the wire step. */
function stepExponent({ fineExponent, wireShift, wireMultiple }: Grid): number {
  return fineExponent + wireShift + 32 - Math.clz32(wireMultiple - 1);
}

/** Twice the coordinate-wise median of vectors of whole numbers, at least one. */
export function medianTwiceOf(means: readonly Float64Array[]): Float64Array {
  const column = new Float64Array(means.length);
  return means[0]!.map((_, coordinate) => {
    for (let index = 0; index < means.length; index++) column[index] = means[index]![coordinate]!;
    column.sort();
    return column[(means.length - 1) >> 1]! + column[means.length >> 1]!;
  });
}

/** Σ (σC)² over the rounds of `mask`, in units of 2⁻⁶⁴. */
function noiseVariance(rounds: readonly WindowRound[], mask: number): bigint {
  return rounds
    .filter((_, index) => mask & (1 << index))
    .reduce((sum, { clip16, sigma16 }) => sum + (BigInt(clip16) * BigInt(sigma16)) ** 2n, 0n);
}

/** Bit i: took part in round i of the window. */
function attendance(record: DeviceRecord): number {
  return record.window.reduce((bits, wire, index) => (wire === null ? bits : bits | (1 << index)), 0);
}

function countBits(mask: number): number {
  let count = 0;
  for (let index = 0; index < WINDOW_ROUNDS; index++) count += (mask >> index) & 1;
  return count;
}

function root(squared: bigint): bigint {
  return integerSqrt(squared << (2n * ROOT_BITS));
}
