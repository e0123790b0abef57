import {
  createSummary,
  type DataSummary,
  encodedWidth,
  type Rows,
  type SummaryOptions,
} from '../../fl/index.js';
import type { ReadOptions, RowBatch } from './batch.js';
import { csvBatches } from './csvBatches.js';
import { DataError } from './error.js';
import { idxBatches } from './idxBatches.js';

/** Numbers that may be held at once: 256 MiB of float32; MNIST's 60,000 images are 47 million. */
const NUMBERS_MAX = 2 ** 26;
/** Problems that an error tells. */
const TOLD_MAX = 20;

/** The encoded rows of a file, batch by batch: CSV, or a pair of IDX files if `labels` names the second. */
export function readBatches(options: ReadOptions): AsyncGenerator<RowBatch> {
  const { labels = null } = options;
  return labels === null ? csvBatches(options) : idxBatches({ ...options, labels });
}

type Where = Pick<ReadOptions, 'file' | 'labels' | 'schema'>;

/**
 * What a file of any size holds and what of it does not fit, in the memory of one batch. Nothing leaves this
 * process. Throws DataError if it cannot be read as a table at all.
 */
export async function summarise(where: Where, options: SummaryOptions): Promise<DataSummary> {
  const summary = createSummary(where.schema, options);
  const width = encodedWidth(where.schema);
  const { seen, onProblem } = summary;
  for await (const batch of readBatches({ ...where, seen, onProblem })) {
    for (let row = 0; row < batch.rows; row++)
      summary.addRow(batch.x, row * width, batch.labels[row]!, batch.subjects[row]!, batch.sites[row]!);
  }
  return summary.result();
}

/** All rows of a file, with the cells of the columns that were asked for. */
export interface ReadRows extends Rows {
  readonly kept: readonly (readonly string[])[];
}

export interface HoldOptions extends SummaryOptions {
  readonly rowsMax: number;
  readonly keep?: readonly string[];
}

/**
 * All rows of a file in memory, or DataError: "too-large" beyond rowsMax rows or NUMBERS_MAX numbers, "unfit" if
 * anything does not fit that is not allowed.
 */
export async function readRows(
  where: Where,
  { rowsMax, keep = [], ...options }: HoldOptions,
): Promise<ReadRows> {
  const { file, schema } = where;
  const summary = createSummary(schema, options);
  const width = encodedWidth(schema);
  const batches: RowBatch[] = [];
  let rows = 0;
  for await (const batch of readBatches({
    ...where,
    keep,
    seen: summary.seen,
    onProblem: summary.onProblem,
  })) {
    rows += batch.rows;
    if (rows > rowsMax || rows * width > NUMBERS_MAX)
      throw new DataError(
        'too-large',
        file,
        `more than ${Math.min(rowsMax, Math.floor(NUMBERS_MAX / width))} rows`,
      );
    for (let row = 0; row < batch.rows; row++)
      summary.addRow(batch.x, row * width, batch.labels[row]!, batch.subjects[row]!, batch.sites[row]!);
    batches.push(batch);
  }
  const found = summary.result().findings.filter(({ allowed }) => !allowed);
  if (found.length > 0) {
    const told = found
      .slice(0, TOLD_MAX)
      .map(({ text, count }) => (count > 1 ? `${text} (${count} such)` : text));
    throw new DataError('unfit', file, told.join('; '), told);
  }
  return join(batches, rows, width);
}

function join(batches: readonly RowBatch[], rows: number, width: number): ReadRows {
  const x = new Float32Array(rows * width);
  const y = new Float32Array(rows);
  let at = 0;
  for (const batch of batches) {
    x.set(batch.x, at * width);
    for (const [row, label] of batch.labels.entries()) y[at + row] = label!;
    at += batch.rows;
  }
  const whole = (cells: readonly (string | null)[]): readonly string[] | null =>
    cells.every((cell): cell is string => cell !== null) ? cells : null;
  return {
    x,
    y,
    rows,
    subjects: whole(batches.flatMap((batch) => batch.subjects)),
    sites: whole(batches.flatMap((batch) => batch.sites)),
    kept: batches.flatMap((batch) => batch.kept),
  };
}
