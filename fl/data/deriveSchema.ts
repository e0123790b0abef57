import { type DataProblem, notANumber } from './problem.js';
import {
  checkSchema,
  type DataSchema,
  type FeatureSchema,
  labelText,
  MICRO,
  numberFeature,
  parseNumber,
} from './schema.js';
import { lineOf, type Table } from './table.js';

/** Columns that vary by less than this many millionths would lose their digits in a schema. */
const SPREAD_MIN_MICRO = 100;

/** What a derived schema says of itself, on chain too. */
const DERIVED_SOURCE = 'computed from the training rows: right for public data only';

export interface DeriveProblem {
  readonly kind: DataProblem['kind'] | 'label-values' | 'out-of-range';
  readonly line?: number;
  readonly column?: string;
  readonly text: string;
}

export type DerivedSchema =
  | { readonly ok: true; readonly schema: DataSchema }
  | { readonly ok: false; readonly problem: DeriveProblem };

/**
 * A schema computed from rows: every column but the label is a feature, with the mean as centre, the standard
 * deviation as scale and the smallest and largest value as bounds.
 *
 * RIGHT FOR PUBLIC DATA ONLY. The schema is published, and these numbers are statistics of the rows without
 * any noise: a bound *is* one patient's value. For private data write the schema from public knowledge
 * (readSchema). Give it the training rows, never the test rows.
 *
 * Empty cells are missing and do not count. The label needs exactly two values; positive is the larger number
 * or, for text, the later in code-unit order (yes > no, positive > negative, malignant > benign).
 * Unit: micro integers as in FeatureSchema; min is rounded down, max up. A column that never varies gets
 * scale 1 and bounds of ±1 around its value.
 * Cost: O(rows x columns), two passes.
 */
export function deriveSchema(table: Table, labelColumn: string): DerivedSchema {
  if (table.rows.length === 0) return failed({ kind: 'no-rows', text: 'the table has no rows' });
  const labelIndex = table.header.indexOf(labelColumn);
  if (labelIndex < 0) {
    const text = `no column ${labelColumn}; there are ${table.header.join(', ')}`;
    return failed({ kind: 'missing-column', line: 1, column: labelColumn, text });
  }
  const label = deriveLabel(table, labelIndex);
  if (!label.ok) return label;
  const features: FeatureSchema[] = [];
  for (const [index, name] of table.header.entries()) {
    if (index === labelIndex) continue;
    const feature = deriveFeature(table, index, name);
    if (!feature.ok) return feature;
    features.push(feature.feature);
  }
  const schema: DataSchema = { features, label: label.label, subject: null, site: null };
  const problem = checkSchema(schema);
  return problem === null ? { ok: true, schema } : failed({ kind: 'bad-schema', text: problem });
}

function failed(problem: DeriveProblem): { ok: false; problem: DeriveProblem } {
  return { ok: false, problem };
}

function deriveLabel(
  table: Table,
  column: number,
): { ok: true; label: DataSchema['label'] } | { ok: false; problem: DeriveProblem } {
  const name = table.header[column]!;
  const values = new Set<string>();
  for (const [index, row] of table.rows.entries()) {
    const cell = row[column]!;
    const line = lineOf(table, index);
    if (cell === '')
      return failed({ kind: 'label-values', line, column: name, text: `line ${line} has no label` });
    values.add(labelText(cell));
    if (values.size > 2) break;
  }
  if (values.size !== 2) {
    const text = `column ${name} must have two values, it has ${values.size > 2 ? 'more' : 'one'}: is it the one to predict?`;
    return failed({ kind: 'label-values', column: name, text });
  }
  const [negative, positive] = [...values].sort(compareLabels);
  return { ok: true, label: { name, classes: [negative!, positive!], weights16: [] } };
}

function compareLabels(a: string, b: string): number {
  const [x, y] = [parseNumber(a), parseNumber(b)];
  if (x !== null && y !== null) return x - y;
  return a < b ? -1 : 1;
}

function deriveFeature(
  table: Table,
  column: number,
  name: string,
): { ok: true; feature: FeatureSchema } | { ok: false; problem: DeriveProblem } {
  const values: number[] = [];
  for (const [index, row] of table.rows.entries()) {
    const cell = row[column]!;
    if (cell === '') continue;
    const value = parseNumber(cell);
    if (value === null) return failed(notANumber(cell, lineOf(table, index), name));
    values.push(value);
  }
  const count = Math.max(1, values.length); // a column without any value: all missing, all centre
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
  const min = values.reduce((least, value) => Math.min(least, value), mean);
  const max = values.reduce((most, value) => Math.max(most, value), mean);
  const centerMicro = Math.round(mean * MICRO) + 0;
  if (max === min) return { ok: true, feature: constantFeature(name, centerMicro) };
  const scaleMicro = Math.round(Math.sqrt(variance) * MICRO);
  if (scaleMicro < SPREAD_MIN_MICRO) {
    const text = `column ${name} varies by less than 0.0001: give it in a smaller unit`;
    return failed({ kind: 'out-of-range', column: name, text });
  }
  const minMicro = Math.floor(min * MICRO) + 0;
  const maxMicro = Math.ceil(max * MICRO) + 0;
  return { ok: true, feature: derived(name, centerMicro, scaleMicro, minMicro, maxMicro) };
}

function constantFeature(name: string, centerMicro: number): FeatureSchema {
  return derived(name, centerMicro, MICRO, centerMicro - MICRO, centerMicro + MICRO);
}

function derived(
  name: string,
  centerMicro: number,
  scaleMicro: number,
  minMicro: number,
  maxMicro: number,
): FeatureSchema {
  return numberFeature({ name, centerMicro, scaleMicro, minMicro, maxMicro, source: DERIVED_SOURCE });
}
