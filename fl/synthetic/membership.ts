import { strict as assert } from 'node:assert';
import type { Records } from '../attacks/attack.js';
import { auroc } from '../evaluate/auroc.js';
import { scoredRows, tiesOf } from '../evaluate/scored.js';

/** How well somebody tells records that a generator learned from from others, by one number for each. */
export interface MembershipTest {
  /** Area under the ROC curve; 1/2 is chance. */
  readonly auroc: number;
  /** Right guesses if the upper half is called members: as many members as others are looked at, 1/2 is chance. */
  readonly balancedAccuracy: number;
}

/**
 * Tests scores that shall be higher for members. As many of either are looked at: the first ones of the longer list.
 * Scores must be finite. Null if one list is empty.
 */
export function membershipTest(members: ArrayLike<number>, others: ArrayLike<number>): MembershipTest | null {
  const count = Math.min(members.length, others.length);
  if (count === 0) return null;
  const scores = Float64Array.from({ length: 2 * count }, (_, at) =>
    at < count ? members[at]! : others[at - count]!,
  );
  const scored = scoredRows(
    scores,
    scores.map((_, at) => (at < count ? 1 : 0)),
  );
  // Ties at the threshold: as many of them are called members as fit, in proportion.
  const threshold = scored.scores[count]!;
  let [above, tied, tiedMembers, right] = [0, 0, 0, 0];
  for (const [at, score] of scored.scores.entries()) {
    if (score > threshold) {
      above++;
      right += scored.labels[at]!;
    } else if (score === threshold) {
      tied++;
      tiedMembers += scored.labels[at]!;
    }
  }
  right += ((count - above) * tiedMembers) / tied;
  return { auroc: auroc(tiesOf(scored))!, balancedAccuracy: right / count };
}

export interface ProximityScores {
  /** log(distance to the nearest reference row / distance to the nearest synthetic row). */
  readonly nearest: Float64Array;
  /** log(density of synthetic rows / density of reference rows) at the record, by Gaussian kernels. */
  readonly density: Float64Array;
}

/**
 * Two attacks on synthetic rows: is a record in a place where there are more of them than the population accounts for? Both compare
 * with reference rows of the same population that the generator never saw. Without these, records in dense places would look like members
 * whoever was one, which is why the distance to the closest record alone measures no privacy.
 *
 * Rows are points of the encoded values and the class (1 apart for two classes). width: of an encoded row. The kernels' width is the median
 * distance of 100 reference rows to their nearest other one. Needs two reference rows.
 * Cost: records · (synthetic + reference rows) · width.
 * Source: van Breugel et al. 2023, arXiv:2302.12580 (DOMIAS: the density ratio); Hilprecht et al. 2019, doi:10.2478/popets-2019-0067 (distances).
 */
export function proximityScores(
  records: Records,
  synthetic: Records,
  reference: Records,
  width: number,
): ProximityScores {
  assert.ok(reference.y.length >= 2 && synthetic.y.length >= 1, 'rows to compare with');
  const bandwidth = bandwidthOf(reference, width);
  const nearest = new Float64Array(records.y.length);
  const density = new Float64Array(records.y.length);
  for (let record = 0; record < records.y.length; record++) {
    const made = squaredDistances(records, record, synthetic, width);
    const known = squaredDistances(records, record, reference, width);
    // A copy is at distance 0: told as the smallest distance of all, so that the score stays finite.
    nearest[record] = (Math.log(least(known) + TINY) - Math.log(least(made) + TINY)) / 2;
    density[record] = logDensity(made, bandwidth) - logDensity(known, bandwidth);
  }
  return { nearest, density };
}

const TINY = 1e-12;
const BANDWIDTH_ROWS = 100;

function bandwidthOf(reference: Records, width: number): number {
  const nearest = Array.from({ length: Math.min(BANDWIDTH_ROWS, reference.y.length) }, (_, row) => {
    const squared = squaredDistances(reference, row, reference, width);
    squared[row] = Number.POSITIVE_INFINITY;
    return Math.sqrt(least(squared));
  }).sort((a, b) => a - b);
  return Math.max(TINY, nearest[Math.floor(nearest.length / 2)]!);
}

/** Median distance of rows to the closest of others: what is often reported as privacy, and isn't. */
export function medianDistance(rows: Records, others: Records, width: number): number {
  const distances = Float64Array.from(rows.y, (_, row) =>
    Math.sqrt(least(squaredDistances(rows, row, others, width))),
  ).sort();
  return distances[Math.floor(distances.length / 2)]!;
}

function squaredDistances(records: Records, record: number, others: Records, width: number): Float64Array {
  const own = records.x.subarray(record * width, (record + 1) * width);
  const label = records.y[record]!;
  const squared = new Float64Array(others.y.length);
  for (let row = 0; row < squared.length; row++) {
    let sum = others.y[row] === label ? 0 : 1;
    const start = row * width;
    for (let at = 0; at < width; at++) {
      const difference = others.x[start + at]! - own[at]!;
      sum += difference * difference;
    }
    squared[row] = sum;
  }
  return squared;
}

function least(values: Float64Array): number {
  let smallest = Number.POSITIVE_INFINITY;
  for (let at = 0; at < values.length; at++) if (values[at]! < smallest) smallest = values[at]!;
  return smallest;
}

/** log of the mean kernel, without underflow. */
function logDensity(squared: Float64Array, bandwidth: number): number {
  const twice = 2 * bandwidth * bandwidth;
  const smallest = least(squared);
  let sum = 0;
  for (let at = 0; at < squared.length; at++) sum += Math.exp((smallest - squared[at]!) / twice);
  return Math.log(sum / squared.length) - smallest / twice;
}
