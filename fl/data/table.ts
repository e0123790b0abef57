import { CsvError, parse } from 'csv-parse/sync';

/** Bounds of one table, checked before anything is built from it. */
export const TABLE_BYTES_MAX = 64 * 1024 * 1024;
export const TABLE_ROWS_MAX = 200_000;
export const TABLE_COLUMNS_MAX = 1_024;
export const CELL_CHARS_MAX = 1_024;

/** A CSV file as text cells: every row has exactly header.length cells, all trimmed. */
export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Line of the file on which each row ends, for messages. Absent: row i stands on line i + 2. */
  readonly lines?: readonly number[];
}

export type TableReason =
  | 'empty'
  | 'no-rows'
  | 'too-large'
  | 'too-many-rows'
  | 'too-many-columns'
  | 'cell-too-long'
  | 'unnamed-column'
  | 'duplicate-column'
  | 'ragged'
  | 'malformed';

export type TableResult =
  | { readonly ok: true; readonly header: string[]; readonly rows: string[][]; readonly lines: number[] }
  | { readonly ok: false; readonly reason: TableReason; readonly line: number; readonly text: string };

/**
 * Reads a CSV text (RFC 4180: comma, double quotes) whose first line names the columns.
 *
 * Blank lines and a byte order mark are passed over; cells and names are trimmed. An empty cell stays ''.
 * Fails with a reason, the line (1 = the header) and a sentence for people; the first fault ends the reading.
 * Limits: TABLE_BYTES_MAX (in UTF-16 units), TABLE_ROWS_MAX, TABLE_COLUMNS_MAX, CELL_CHARS_MAX.
 */
export function parseTable(text: string): TableResult {
  if (text.length > TABLE_BYTES_MAX)
    return fault('too-large', 0, `the table has ${text.length} characters, at most ${TABLE_BYTES_MAX} fit`);
  const parsed = records(text);
  if (!Array.isArray(parsed)) return parsed;
  const [first, ...rest] = parsed;
  if (first === undefined) return fault('empty', 1, 'the table is empty: no line with column names');
  const header = first.record;
  const headerFault = checkHeader(header);
  if (headerFault !== null) return headerFault;
  if (rest.length === 0) return fault('no-rows', 1, 'the table has column names but no rows');
  if (rest.length > TABLE_ROWS_MAX)
    return fault('too-many-rows', rest.at(-1)!.line, `more than ${TABLE_ROWS_MAX} rows`);
  for (const { record, line } of rest) {
    const rowFault = checkRow(header, record, line);
    if (rowFault !== null) return rowFault;
  }
  return { ok: true, header, rows: rest.map(({ record }) => record), lines: rest.map(({ line }) => line) };
}

/** What is wrong with the shape of one row, or null. */
export function checkRow(
  header: readonly string[],
  record: readonly string[],
  line: number,
): (TableResult & { ok: false }) | null {
  if (record.length !== header.length)
    return fault('ragged', line, `line ${line} has ${record.length} cells, the header ${header.length}`);
  const long = record.findIndex((cell) => cell.length > CELL_CHARS_MAX);
  if (long < 0) return null;
  const text = `line ${line}, column ${header[long]}: over ${CELL_CHARS_MAX} characters`;
  return fault('cell-too-long', line, text);
}

/** The rows with the given numbers, in that order, with their lines. A number out of range is a bug. */
export function selectRows(table: Table, indices: readonly number[]): Table {
  const rows = indices.map((index) => {
    const row = table.rows[index];
    if (row === undefined) throw new RangeError(`row ${index} of ${table.rows.length}`);
    return row;
  });
  return { header: table.header, rows, lines: indices.map((index) => lineOf(table, index)) };
}

/** The line of the file on which row i stands (1 is the header). */
export function lineOf(table: Table, row: number): number {
  return table.lines?.[row] ?? row + 2;
}

interface Line {
  readonly record: string[];
  readonly line: number;
}

function records(text: string): Line[] | TableResult {
  try {
    const parsed: unknown = parse(text, {
      bom: true,
      info: true,
      relax_column_count: true, // counted in parseTable, which can name both numbers
      skip_empty_lines: true,
      to: TABLE_ROWS_MAX + 2,
      trim: true,
    });
    return (parsed as { record: string[]; info: { lines: number } }[]).map(({ record, info }) => ({
      record,
      line: info.lines,
    }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = typeof error.lines === 'number' ? error.lines : 0;
    return fault('malformed', line, `line ${line} is not CSV: ${error.message}`);
  }
}

/** What is wrong with the names of the columns, or null. */
export function checkHeader(header: readonly string[]): (TableResult & { ok: false }) | null {
  if (header.length > TABLE_COLUMNS_MAX)
    return fault('too-many-columns', 1, `${header.length} columns, at most ${TABLE_COLUMNS_MAX}`);
  const seen = new Set<string>();
  for (const [index, name] of header.entries()) {
    if (name === '') return fault('unnamed-column', 1, `column ${index + 1} has no name`);
    if (name.length > CELL_CHARS_MAX)
      return fault(
        'cell-too-long',
        1,
        `the name of column ${index + 1} is over ${CELL_CHARS_MAX} characters`,
      );
    if (seen.has(name)) return fault('duplicate-column', 1, `the column ${name} is there twice`);
    seen.add(name);
  }
  return null;
}

function fault(reason: TableReason, line: number, text: string): TableResult & { ok: false } {
  return { ok: false, reason, line, text };
}
