import { drbg } from '../../crypto/index.js';
import { createUniform } from '../privacy/uniform.js';
import { type MeasureName, measure, measureNames } from './measure.js';
import type { Scored } from './scored.js';

export const REPLICATES_MAX = 10_000;

/** Percentile interval of one measure. Null where fewer than nine of ten replicates have the measure. */
export interface Interval {
  readonly low: number;
  readonly high: number;
  /** Replicates in which it is defined. */
  readonly defined: number;
}

export interface BootstrapOptions {
  /** 1 to REPLICATES_MAX. */
  readonly replicates: number;
  /** Such as 0.95. */
  readonly coverage: number;
  readonly specificity: number;
  /** Any bytes: the same seed gives the same intervals on one machine. */
  readonly seed: Uint8Array;
  /** [rows] in the order before sorting, whose row it is: then persons are drawn, each with all rows. */
  readonly persons?: readonly string[] | null;
}

/**
 * Bootstrap percentile intervals of all measures: rows (or persons, since two rows of one person say less than two
 * persons) are drawn with replacement as often as there are, and measured again.
 *
 * Quantiles by linear interpolation (type 7 of Hyndman and Fan 1996). Percentile intervals of few rows are too
 * narrow, and those of a measure at the edge of its range lean inward: read them as a warning, not as a test.
 * Cost: replicates · rows. Source: Efron and Tibshirani 1993, chapter 13.
 */
export function bootstrap(
  rows: Scored,
  options: BootstrapOptions,
): Readonly<Record<MeasureName, Interval | null>> {
  const { replicates, coverage, specificity, seed, persons = null } = options;
  if (!(Number.isSafeInteger(replicates) && replicates >= 1 && replicates <= REPLICATES_MAX))
    throw new RangeError(`${replicates} replicates`);
  const groups = groupsOf(rows, persons);
  const uniform = createUniform(drbg(seed), 4_096);
  const values = measureNames.map((): number[] => []);
  const weights = new Float64Array(rows.scores.length);
  const drawn = { ...rows, weights };
  for (let replicate = 0; replicate < replicates; replicate++) {
    weights.fill(0);
    for (let draw = 0; draw < groups.length; draw++)
      for (const row of groups[uniform.below(groups.length)]!) weights[row]!++;
    const { measures } = measure(drawn, specificity);
    for (const [index, name] of measureNames.entries()) {
      const value = measures[name];
      if (value !== null) values[index]!.push(value);
    }
  }
  const intervals = measureNames.map((name, index) => [
    name,
    intervalOf(values[index]!, replicates, coverage),
  ]);
  return Object.fromEntries(intervals) as Readonly<Record<MeasureName, Interval | null>>;
}

/** What is drawn together, as places among the sorted rows. */
function groupsOf({ order }: Scored, persons: readonly string[] | null): readonly (readonly number[])[] {
  if (persons === null) return Array.from(order, (_, place) => [place]);
  const places = new Map<string, number[]>();
  for (const [place, row] of order.entries()) {
    const own = places.get(persons[row]!);
    if (own === undefined) places.set(persons[row]!, [place]);
    else own.push(place);
  }
  return [...places.values()];
}

function intervalOf(values: number[], replicates: number, coverage: number): Interval | null {
  if (values.length === 0 || 10 * values.length < 9 * replicates) return null;
  values.sort((a, b) => a - b);
  const tail = (1 - coverage) / 2;
  return { low: quantile(values, tail), high: quantile(values, 1 - tail), defined: values.length };
}

/** Of sorted values, at least one; type 7. */
export function quantile(sorted: readonly number[], share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (place - below) * (sorted[above]! - sorted[below]!);
}
