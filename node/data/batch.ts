import { type DataProblem, type DataSchema, encodedWidth, type RowsSeen } from '../../fl/index.js';

/** Encoded rows of a file, a bounded number of them. */
export interface RowBatch {
  /** [rows][encodedWidth], row-major. */
  readonly x: Float32Array;
  /** [rows], the index of each row's class; null where the label has none. */
  readonly labels: readonly (number | null)[];
  readonly rows: number;
  /** [rows], whose and from where, as far as schema and file say. */
  readonly subjects: readonly (string | null)[];
  readonly sites: readonly (string | null)[];
  /** [rows][keep.length], the cells of the columns that were asked for. */
  readonly kept: readonly (readonly string[])[];
}

export interface ReadOptions {
  /** CSV, or IDX if `labels` is given; ending in .gz it is unpacked. */
  readonly file: string;
  /** The IDX file with the labels of the IDX file `file`. */
  readonly labels?: string | null;
  readonly schema: DataSchema;
  /** What does not fit is told here, in the order of the file; its row comes along with 0 in its place. */
  readonly onProblem: (problem: DataProblem) => void;
  readonly seen?: RowsSeen;
  /** Columns whose cells are passed on as they are (CSV). */
  readonly keep?: readonly string[];
}

/** Numbers of one batch: 4 MiB of float32. */
const BATCH_NUMBERS_MAX = 2 ** 20;
const BATCH_ROWS_MAX = 4_096;

/** Rows of one batch, so that it takes the same memory whatever the schema. */
export function batchRowsOf(schema: DataSchema): number {
  return Math.max(1, Math.min(BATCH_ROWS_MAX, Math.floor(BATCH_NUMBERS_MAX / encodedWidth(schema))));
}
