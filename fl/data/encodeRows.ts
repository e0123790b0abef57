import type { DataProblem } from './problem.js';
import { createRowEncoder } from './rowEncoder.js';
import type { DataSchema } from './schema.js';
import { lineOf, type Table } from './table.js';

/** At most this many problems are told; people fix a file column by column anyway. */
export const PROBLEMS_MAX = 20;

/** Rows as a model takes them. */
export interface Rows {
  /** [rows][encodedWidth], row-major, scaled: 0 is the centre or a missing value. */
  readonly x: Float32Array;
  /** [rows], the index of each row's class: with two classes 1 is the positive one. */
  readonly y: Float32Array;
  readonly rows: number;
  /** [rows], whose row it is; null if the schema names no subject column. */
  readonly subjects: readonly string[] | null;
  /** [rows], where it comes from; null if the schema names no site column or the table has none. */
  readonly sites: readonly string[] | null;
}

export type EncodedRows =
  | ({ readonly ok: true } & Rows)
  | { readonly ok: false; readonly problems: readonly DataProblem[] };

/**
 * Turns text cells into the numbers that a model trains on, by the public schema alone: nothing of it depends
 * on other rows, so one patient's row moves one patient's numbers (the premise of record privacy).
 *
 * A cell: empty, or one that the schema calls missing, becomes the centre (0), and 1 in the feature's indicator if
 * it has one. Else a number is clipped to [min, max], then (v - center) / scale, in float64, rounded once to
 * float32; a category is 1 in its own column and 0 in the others.
 * Columns may stand in any order; extra columns are passed over.
 * Fails with up to PROBLEMS_MAX problems, in the order of the file; no partial result.
 */
export function encodeRows(table: Table, schema: DataSchema): EncodedRows {
  const created = createRowEncoder(table.header, schema);
  if (!created.ok) return refuse(created.problems);
  if (table.rows.length === 0) return refuse([{ kind: 'no-rows', text: 'the table has no rows' }]);

  const { encoder } = created;
  const x = new Float32Array(table.rows.length * encoder.width);
  const y = new Float32Array(table.rows.length);
  const problems: DataProblem[] = [];
  const onProblem = (problem: DataProblem): void => void problems.push(problem);
  for (const [index, row] of table.rows.entries()) {
    const target = { x, at: index * encoder.width };
    y[index] = encoder.encode(row, lineOf(table, index), target, onProblem) ?? 0;
    if (problems.length >= PROBLEMS_MAX) break;
  }
  if (problems.length > 0) return refuse(problems);
  const subjects = allOf(table.rows.map(encoder.subjectOf));
  return { ok: true, x, y, rows: table.rows.length, subjects, sites: allOf(table.rows.map(encoder.siteOf)) };
}

/** The labels turned round, of K classes K − 1 − y for y: the label-flip attack under which rules are measured. */
export function flipLabels(y: Float32Array, classes = 2): Float32Array {
  return y.map((label) => classes - 1 - label);
}

function allOf(cells: readonly (string | null)[]): readonly string[] | null {
  return cells.every((cell): cell is string => cell !== null) ? cells : null;
}

function refuse(problems: readonly DataProblem[]): EncodedRows {
  return { ok: false, problems: problems.slice(0, PROBLEMS_MAX) };
}
