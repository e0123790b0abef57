import { type DataProblem, notANumber, shown } from './problem.js';
import { checkSchema, type DataSchema, type FeatureSchema, labelText, MICRO, parseNumber } from './schema.js';
import { lineOf, type Table } from './table.js';

/** At most this many problems are told; people fix a file column by column anyway. */
export const PROBLEMS_MAX = 20;

export type EncodedRows =
  | {
      readonly ok: true;
      /** [rows][features], row-major, scaled: 0 is the centre or a missing value. */
      readonly x: Float32Array;
      /** [rows], 1 for the positive label, 0 for the negative. */
      readonly y: Float32Array;
      readonly rows: number;
    }
  | { readonly ok: false; readonly problems: readonly DataProblem[] };

/**
 * Turns text cells into the numbers that a model trains on, by the public schema alone: nothing of it depends
 * on other rows, so one patient's row moves one patient's numbers (the premise of record privacy).
 *
 * A cell: empty, or 0 where the schema says zeroIsMissing, is missing and becomes the centre (0). Else it is
 * clipped to [min, max], then (v - center) / scale, in float64, rounded once to float32.
 * Columns may stand in any order; extra columns are passed over.
 * Fails with up to PROBLEMS_MAX problems, in the order of the file; no partial result.
 */
export function encodeRows(table: Table, schema: DataSchema): EncodedRows {
  const schemaProblem = checkSchema(schema);
  if (schemaProblem !== null) return refuse([{ kind: 'bad-schema', text: schemaProblem }]);
  const missing = [...schema.features.map(({ name }) => name), schema.label.name]
    .filter((name) => !table.header.includes(name))
    .map((column): DataProblem => ({ kind: 'missing-column', line: 1, column, text: `no column ${column}` }));
  if (missing.length > 0) return refuse(missing);
  if (table.rows.length === 0) return refuse([{ kind: 'no-rows', text: 'the table has no rows' }]);

  const columns = schema.features.map(({ name }) => table.header.indexOf(name));
  const labelColumn = table.header.indexOf(schema.label.name);
  const x = new Float32Array(table.rows.length * columns.length);
  const y = new Float32Array(table.rows.length);
  const problems: DataProblem[] = [];
  for (const [index, row] of table.rows.entries()) {
    for (const [j, feature] of schema.features.entries()) {
      const value = encodeCell(row[columns[j]!]!, feature);
      if (value === null) problems.push(notANumber(row[columns[j]!]!, lineOf(table, index), feature.name));
      else x[index * columns.length + j] = value;
    }
    const label = encodeLabel(row[labelColumn]!, schema);
    if (label === null) problems.push(unknownLabel(row[labelColumn]!, lineOf(table, index), schema));
    else y[index] = label;
    if (problems.length >= PROBLEMS_MAX) break;
  }
  return problems.length > 0 ? refuse(problems) : { ok: true, x, y, rows: table.rows.length };
}

/** The labels turned round, 0 for 1 and 1 for 0: the label-flip attack under which rules are measured. */
export function flipLabels(y: Float32Array): Float32Array {
  return y.map((label) => 1 - label);
}

function encodeCell(cell: string, feature: FeatureSchema): number | null {
  if (cell === '') return 0;
  const value = parseNumber(cell);
  if (value === null) return null;
  if (value === 0 && feature.zeroIsMissing) return 0;
  const clipped = Math.min(Math.max(value, feature.minMicro / MICRO), feature.maxMicro / MICRO);
  return (clipped - feature.centerMicro / MICRO) / (feature.scaleMicro / MICRO);
}

function encodeLabel(cell: string, { label }: DataSchema): 0 | 1 | null {
  const text = labelText(cell);
  if (text === labelText(label.positive)) return 1;
  return text === labelText(label.negative) ? 0 : null;
}

function unknownLabel(cell: string, line: number, { label }: DataSchema): DataProblem {
  const text = `line ${line}, column ${label.name}: ${shown(cell)} is neither "${label.positive}" nor "${label.negative}"`;
  return { kind: 'unknown-label', line, column: label.name, text };
}

function refuse(problems: readonly DataProblem[]): EncodedRows {
  return { ok: false, problems: problems.slice(0, PROBLEMS_MAX) };
}
