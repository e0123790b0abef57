import { strict as assert } from 'node:assert';
import { concatBytes, utf8ToBytes } from '../../crypto/index.js';
import { type BootstrapOptions, bootstrap, type Interval } from './bootstrap.js';
import type { Group } from './groups.js';
import { type Measured, type MeasureName, measure } from './measure.js';
import { scoredRows } from './scored.js';

/** How a model does on some rows. */
export interface GroupReport extends Measured {
  /** The column, or null for all rows. */
  readonly by: string | null;
  readonly name: string;
  readonly intervals: Readonly<Record<MeasureName, Interval | null>>;
}

export interface ReportInput {
  /** [rows], the model's logits. */
  readonly logits: ArrayLike<number>;
  /** [rows], 0 or 1. */
  readonly labels: ArrayLike<number>;
  readonly groups: readonly { readonly by: string; readonly groups: readonly Group[] }[];
  readonly options: BootstrapOptions;
}

/**
 * All measures with their intervals, of all rows and of each group. Each group's replicates have a seed of their
 * own, so that a report does not change when a group is added. Statistics of the rows as they are: for whoever holds
 * them; to publish them see noisedHistogram.
 */
export function evaluationReport({ logits, labels, groups, options }: ReportInput): GroupReport[] {
  const all = Array.from({ length: logits.length }, (_, row) => row);
  const asked = [
    { by: null, name: 'all', rows: all },
    ...groups.flatMap(({ by, groups: own }) => own.map(({ name, rows }) => ({ by, name, rows }))),
  ];
  return asked.map(({ by, name, rows }) => {
    assert.ok(rows.length > 0, 'a group has rows');
    const scored = scoredRows(
      rows.map((row) => logits[row]!),
      rows.map((row) => labels[row]!),
    );
    const persons = options.persons == null ? null : rows.map((row) => options.persons![row]!);
    const seed = concatBytes(options.seed, utf8ToBytes(`\n${by}\n${name}`));
    const intervals = bootstrap(scored, { ...options, persons, seed });
    return { by, name, ...measure(scored, options.specificity), intervals };
  });
}
