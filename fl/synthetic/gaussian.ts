import { strict as assert } from 'node:assert';
import type { RandomBytes } from '../../crypto/index.js';
import { normalDraws } from '../attacks/normal.js';
import { encodedWidth } from '../data/schema.js';
import { epsilonMicroOfRho, leastWhole, rhoCap, roundRho, SIGMA16_MAX } from '../privacy/rho.js';
import { drawLabels, noisedClassCounts } from './classCounts.js';
import { conform, placesOf } from './conform.js';
import { eigenSystem } from './eigenSystem.js';
import { checkSynthesis, type Synthesis, type SynthesisJob } from './job.js';
import { intoUnitBall, noisedSum, type Put } from './noisedSum.js';

/** What of the budget, in ρ, each release takes; of 64. */
const SHARES = { counts: 2n, means: 24n, covariance: 38n } as const;
const ALL = 64n;

/**
 * Synthetic rows from a Gaussian for each class: the simple generator that others have to be better than.
 *
 * Releases, each a sum over records of vectors of length 1 at most, with discrete Gaussian noise: the classes' counts, their
 * sums of rows, and the second moments of all rows (the covariance within classes is one for all of them: by class, noise on
 * a rare one's would drown it). Rows longer than √features are scaled down to that: with public centres and scales a
 * feature is about 1. Then the covariance is what is left of the moments behind the means, brought back to the positive
 * semidefinite matrices, and rows are drawn and made to keep the schema: all post-processing.
 *
 * Budget: ρ of zCDP up to what the exact Gaussian curve allows at (ε, δ), see `rhoCap`.
 * random: noise and draws; cryptographic for anything that leaves. Deterministic in it.
 * only: the class of every made row; null: of each class so many as its noised count has it. Who knows beforehand what
 *   class all records have asks for that: the counts' noise would give some rows, of few records most, to the others.
 * The job must have passed checkSynthesis (asserts). Cost: rows·width² and width³; noise for width² entries at 5 µs each.
 * Source: Gaussian mechanism on sufficient statistics, as in Dwork et al. 2014, doi:10.1145/2591796.2591883.
 */
export function synthesiseGaussian(
  job: SynthesisJob,
  random: RandomBytes,
  only: number | null = null,
): Synthesis {
  const problem = checkSynthesis(job);
  assert.equal(problem, null, problem ?? '');
  const { schema, x, y, epsilonMicro, deltaPico, rows } = job;
  const width = encodedWidth(schema);
  const classes = schema.label.classes.length;
  assert.ok(
    only === null || (Number.isInteger(only) && only >= 0 && only < classes),
    'a class of the schema',
  );
  const radius = Math.sqrt(schema.features.reduce((sum, { count }) => sum + count, 0));
  const cap = rhoCap(epsilonMicro, deltaPico);
  const sigma = {
    counts: sigmaFor((cap * SHARES.counts) / ALL),
    means: sigmaFor((cap * SHARES.means) / ALL),
    covariance: sigmaFor((cap * SHARES.covariance) / ALL),
  };
  const unit = intoUnitBall(x, width, radius);
  const counts = noisedClassCounts(y, classes, sigma.counts, random);
  const means = noisedMeans(unit, y, counts, sigma.means, random);
  const covariance = noisedCovariance(unit, y.length, counts, means, sigma.covariance, random);
  const labels = only === null ? drawLabels(rows, counts, random) : new Float32Array(rows).fill(only);
  const drawn = drawRows(labels, means, rootOf(covariance), radius, random);
  conform(drawn, placesOf(schema), width);
  const rho = Object.values(sigma).reduce((sum, sigma16) => sum + roundRho(sigma16), 0n);
  return {
    records: { x: drawn, y: labels, classes },
    spent: { epsilon: epsilonMicroOfRho(rho, deltaPico) / 1e6, delta: deltaPico / 1e12 },
    releases: Object.entries(sigma).map(([what, sigma16]) => ({
      what,
      sigma: sigma16 / 65_536,
      rate: 1,
      rounds: 1,
    })),
  };
}

/** The least σ, in 2^-16, of one release of so much ρ. */
function sigmaFor(rho: bigint): number {
  return leastWhole(1, SIGMA16_MAX, (sigma16) => roundRho(sigma16) <= rho);
}

/** [classes][width]: noised sums by class over noised counts. One record is in one class, so the sums cost one release. */
function noisedMeans(
  unit: Float64Array,
  y: Float32Array,
  counts: Float64Array,
  sigma16: number,
  random: RandomBytes,
): Float64Array[] {
  const width = unit.length / y.length;
  const params = { dimension: counts.length * width, sigma16, records: y.length };
  const vectorOf = (record: number, put: Put): void => {
    for (let at = 0; at < width; at++) put(y[record]! * width + at, unit[record * width + at]!);
  };
  const sums = noisedSum(params, vectorOf, random);
  return Array.from(counts, (count, label) =>
    sums.slice(label * width, (label + 1) * width).map((sum) => sum / count),
  );
}

/**
 * [width][width], symmetric: second moments of all rows less those of the class means. See `putProducts` for
 * what is released.
 */
function noisedCovariance(
  unit: Float64Array,
  records: number,
  counts: Float64Array,
  means: readonly Float64Array[],
  sigma16: number,
  random: RandomBytes,
): Float64Array[] {
  const width = unit.length / records;
  const vectorOf = (record: number, put: Put): void =>
    putProducts(unit.subarray(record * width, (record + 1) * width), put);
  const params = { dimension: (width * (width + 1)) / 2, sigma16, records };
  const sums = noisedSum(params, vectorOf, random);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const between = (i: number, j: number): number =>
    means.reduce((sum, mean, label) => sum + (counts[label]! / total) * mean[i]! * mean[j]!, 0);
  const matrix = Array.from({ length: width }, () => new Float64Array(width));
  let at = 0;
  for (let i = 0; i < width; i++)
    for (let j = i; j < width; j++) {
      const moment = sums[at++]! / (i === j ? 1 : Math.SQRT2) / records;
      matrix[i]![j] = moment - between(i, j);
      matrix[j]![i] = matrix[i]![j]!;
    }
  return matrix;
}

/** A row's products, the upper half row by row, √2 times where they stand twice: as long as |row|². */
export function putProducts(row: Float64Array, put: Put): void {
  let at = 0;
  for (let i = 0; i < row.length; i++) {
    put(at++, row[i]! * row[i]!);
    for (let j = i + 1; j < row.length; j++) put(at++, Math.SQRT2 * row[i]! * row[j]!);
  }
}

/** [width][width]: rows v√λ of the nearest positive semidefinite matrix, whose negative eigenvalues become 0. */
function rootOf(covariance: readonly Float64Array[]): Float64Array[] {
  const { values, vectors } = eigenSystem(covariance);
  return vectors.map((vector, at) => vector.map((entry) => entry * Math.sqrt(Math.max(0, values[at]!))));
}

/** [labels][width]: mean of the class and a normal draw along each eigenvector, times the radius. */
function drawRows(
  labels: Float32Array,
  means: readonly Float64Array[],
  root: readonly Float64Array[],
  radius: number,
  random: RandomBytes,
): Float32Array {
  const width = root.length;
  const drawn = new Float32Array(labels.length * width);
  for (const [row, label] of labels.entries()) {
    const values = Float64Array.from(means[label]!);
    const normal = normalDraws(width, random);
    for (const [along, vector] of root.entries())
      for (let at = 0; at < width; at++) values[at]! += normal[along]! * vector[at]!;
    for (let at = 0; at < width; at++) drawn[row * width + at] = radius * values[at]!;
  }
  return drawn;
}
