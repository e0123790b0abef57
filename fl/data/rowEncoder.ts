import { type DataProblem, notANumber, shown } from './problem.js';
import {
  checkSchema,
  type DataSchema,
  encodedWidth,
  type FeatureSchema,
  labelText,
  MICRO,
  parseNumber,
  requiredColumns,
  sourceColumns,
} from './schema.js';

/** Counts that an encoder keeps if it is given them: cells that are missing or were clipped, by feature. */
export interface RowsSeen {
  readonly missing: Float64Array;
  readonly clipped: Float64Array;
}

/** Where an encoder puts what it makes of one row. */
export interface RowTarget {
  /** The row's numbers go to [at, at + width). */
  readonly x: Float32Array;
  readonly at: number;
}

/** Turns the text cells of one row after another into numbers; knows nothing of other rows. */
export interface RowEncoder {
  /** Numbers a row. */
  readonly width: number;
  /**
   * Encodes one row. Returns the index of its class, or null if the label has none; what does not fit is told to
   * `onProblem` and left 0.
   */
  encode(
    cells: readonly string[],
    line: number,
    target: RowTarget,
    onProblem: (problem: DataProblem) => void,
  ): number | null;
  /** Whose row it is, as its cell says; null without a subject column. */
  subjectOf(cells: readonly string[]): string | null;
  /** Where it comes from; null without a site column, in the schema or in the table. */
  siteOf(cells: readonly string[]): string | null;
}

export type RowEncoderResult =
  | { readonly ok: true; readonly encoder: RowEncoder }
  | { readonly ok: false; readonly problems: readonly DataProblem[] };

/**
 * Prepares the encoding of a table's rows by a schema. Fails if the schema is unsound ("bad-schema") or the table
 * lacks columns that it needs ("missing-column", each named). `seen` is counted up with each row. Cost of a row: its
 * numbers.
 */
export function createRowEncoder(
  header: readonly string[],
  schema: DataSchema,
  seen?: RowsSeen,
): RowEncoderResult {
  const schemaProblem = checkSchema(schema);
  if (schemaProblem !== null) return { ok: false, problems: [{ kind: 'bad-schema', text: schemaProblem }] };
  const places = new Map(header.map((name, index) => [name, index]));
  const absent = requiredColumns(schema).filter((name) => !places.has(name));
  if (absent.length > 0) {
    const problems = absent.map(
      (column): DataProblem => ({ kind: 'missing-column', line: 1, column, text: `no column ${column}` }),
    );
    return { ok: false, problems };
  }
  const { label, subject, site } = schema;
  const readers = schema.features.map((feature, index) => {
    const columns = sourceColumns(feature).map((name) => places.get(name)!);
    return featureReader(feature, columns, index, seen);
  });
  const labelPlace = places.get(label.name)!;
  const classes = new Map(label.classes.map((name, index) => [labelText(name), index]));
  const subjectPlace = subject === null ? null : places.get(subject)!;
  const sitePlace = site === null ? null : (places.get(site) ?? null);
  const encode: RowEncoder['encode'] = (cells, line, { x, at }, onProblem) => {
    let place = at;
    for (const reader of readers) place = reader(cells, line, x, place, onProblem);
    if (subjectPlace !== null && cells[subjectPlace] === '') onProblem(noSubject(line, subject!));
    const index = classes.get(labelText(cells[labelPlace]!));
    if (index === undefined) onProblem(unknownLabel(cells[labelPlace]!, line, schema));
    return index ?? null;
  };
  const encoder: RowEncoder = {
    width: encodedWidth(schema),
    encode,
    subjectOf: (cells) => (subjectPlace === null ? null : cells[subjectPlace]!),
    siteOf: (cells) => (sitePlace === null ? null : cells[sitePlace]!),
  };
  return { ok: true, encoder };
}

/** Writes a feature's numbers at `place` and returns the place after them. */
type FeatureReader = (
  cells: readonly string[],
  line: number,
  x: Float32Array,
  place: number,
  onProblem: (problem: DataProblem) => void,
) => number;

/** A cell: missing becomes the centre (0); else clipped to [min, max], then (v - center) / scale, in float64. */
function featureReader(
  feature: FeatureSchema,
  columns: readonly number[],
  place: number,
  seen: RowsSeen | undefined,
): FeatureReader {
  const missing = new Set(feature.missing.map(labelText));
  const names = sourceColumns(feature);
  const values = feature.kind === 'number' ? columns.length : feature.categories.length;
  const write = feature.kind === 'number' ? numberWriter(feature) : categoryWriter(feature);
  const end = values + (feature.indicator ? columns.length : 0);
  return (cells, line, x, at, onProblem) => {
    x.fill(0, at, at + end);
    for (const [index, column] of columns.entries()) {
      const cell = cells[column]!;
      if (cell === '' || (missing.size > 0 && missing.has(labelText(cell)))) {
        if (feature.indicator) x[at + values + index] = 1;
        if (seen !== undefined) seen.missing[place]!++;
        continue;
      }
      const written = write(cell, line, names[index]!, x, at + index);
      if (typeof written === 'object') onProblem(written);
      else if (written === 'clipped' && seen !== undefined) seen.clipped[place]!++;
    }
    return at + end;
  };
}

/** Writes one cell; says if it was clipped, or what is wrong with it. */
type CellWriter = (
  cell: string,
  line: number,
  name: string,
  x: Float32Array,
  at: number,
) => DataProblem | 'whole' | 'clipped';

function numberWriter({ centerMicro, scaleMicro, minMicro, maxMicro }: FeatureSchema): CellWriter {
  const [center, scale] = [centerMicro / MICRO, scaleMicro / MICRO];
  const [min, max] = [minMicro / MICRO, maxMicro / MICRO];
  return (cell, line, name, x, at) => {
    const value = parseNumber(cell);
    if (value === null) return notANumber(cell, line, name);
    const clipped = Math.min(Math.max(value, min), max);
    x[at] = (clipped - center) / scale;
    return clipped === value ? 'whole' : 'clipped';
  };
}

function categoryWriter({ categories }: FeatureSchema): CellWriter {
  const places = new Map(categories.map((category, index) => [labelText(category), index]));
  return (cell, line, name, x, at) => {
    const place = places.get(labelText(cell));
    if (place === undefined) {
      const text = `line ${line}, column ${name}: ${shown(cell)} is none of ${categories.length} categories`;
      return { kind: 'unknown-category', line, column: name, text };
    }
    x[at + place] = 1;
    return 'whole';
  };
}

function noSubject(line: number, column: string): DataProblem {
  const text = `line ${line}, column ${column}: whose row is it? Rows of one person are protected together`;
  return { kind: 'no-subject', line, column, text };
}

function unknownLabel(cell: string, line: number, { label }: DataSchema): DataProblem {
  const [negative, positive] = label.classes;
  const text =
    label.classes.length === 2
      ? `line ${line}, column ${label.name}: ${shown(cell)} is neither "${positive}" nor "${negative}"`
      : `line ${line}, column ${label.name}: ${shown(cell)} is none of ${label.classes.length} classes`;
  return { kind: 'unknown-label', line, column: label.name, text };
}
