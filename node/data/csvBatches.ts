import { pipeline } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import {
  CELL_CHARS_MAX,
  checkHeader,
  checkRow,
  createRowEncoder,
  type RowEncoder,
  TABLE_COLUMNS_MAX,
} from '../../fl/index.js';
import { batchRowsOf, type ReadOptions, type RowBatch } from './batch.js';
import { openBytes, unreadable } from './bytes.js';
import { DataError } from './error.js';

/** Characters of one line, beyond what any row that fits may have: a quote that never closes ends here. */
const LINE_CHARS_MAX = 2 * TABLE_COLUMNS_MAX * CELL_CHARS_MAX;

interface Line {
  readonly record: string[];
  readonly line: number;
}

/**
 * Reads a CSV file batch by batch, in the memory of one batch and one line, however long the file is. The same
 * rules as `parseTable` and `encodeRows`, without their bound on rows.
 *
 * Throws DataError "unreadable", "not-csv"; "unfit" if the file lacks columns or the schema is unsound.
 */
export async function* csvBatches(options: ReadOptions): AsyncGenerator<RowBatch> {
  const { file, schema } = options;
  const rowsMax = batchRowsOf(schema);
  let reading: Reading | null = null;
  let lines: Line[] = [];
  for await (const line of readLines(file)) {
    if (reading === null) {
      reading = beginReading(line.record, options);
      continue;
    }
    const fault = checkRow(reading.header, line.record, line.line);
    if (fault !== null) throw new DataError('not-csv', file, fault.text);
    lines.push(line);
    if (lines.length < rowsMax) continue;
    yield encodeLines(reading, lines, options);
    lines = [];
  }
  if (reading === null) throw new DataError('not-csv', file, 'it is empty: no line with column names');
  if (lines.length > 0) yield encodeLines(reading, lines, options);
}

interface Reading {
  readonly header: readonly string[];
  readonly encoder: RowEncoder;
  /** Places of the columns that are passed on. */
  readonly kept: readonly number[];
}

function beginReading(header: readonly string[], { file, schema, seen, keep = [] }: ReadOptions): Reading {
  const fault = checkHeader(header);
  if (fault !== null) throw new DataError('not-csv', file, fault.text);
  const created = createRowEncoder(header, schema, seen);
  if (!created.ok) {
    const problems = created.problems.map(({ text }) => text);
    throw new DataError('unfit', file, problems.join(', '), problems);
  }
  const kept = keep.map((name) => header.indexOf(name));
  const absent = keep.filter((_, index) => kept[index] === -1);
  if (absent.length > 0)
    throw new DataError('unfit', file, absent.map((name) => `no column ${name}`).join(', '));
  return { header, encoder: created.encoder, kept };
}

function encodeLines(
  { encoder, kept }: Reading,
  lines: readonly Line[],
  { onProblem }: ReadOptions,
): RowBatch {
  const x = new Float32Array(lines.length * encoder.width);
  const labels = lines.map(({ record, line }, index) =>
    encoder.encode(record, line, { x, at: index * encoder.width }, onProblem),
  );
  return {
    x,
    labels,
    rows: lines.length,
    subjects: lines.map(({ record }) => encoder.subjectOf(record)),
    sites: lines.map(({ record }) => encoder.siteOf(record)),
    kept: lines.map(({ record }) => kept.map((column) => record[column]!)),
  };
}

async function* readLines(file: string): AsyncGenerator<Line> {
  const parser = parse({
    bom: true,
    info: true,
    max_record_size: LINE_CHARS_MAX,
    relax_column_count: true, // checkRow can name both numbers
    skip_empty_lines: true,
    trim: true,
  });
  pipeline(openBytes(file), parser, () => {}); // an error destroys the parser with it, where it is read
  try {
    for await (const { record, info } of parser as AsyncIterable<{
      record: string[];
      info: { lines: number };
    }>)
      yield { record, line: info.lines };
  } catch (error) {
    if (!(error instanceof CsvError)) throw unreadable(file, error);
    const line = typeof error.lines === 'number' ? error.lines : 0;
    throw new DataError('not-csv', file, `line ${line} is not CSV: ${error.message}`, [], { cause: error });
  }
}
