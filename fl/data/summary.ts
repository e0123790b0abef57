import type { DataProblem } from './problem.js';
import type { RowsSeen } from './rowEncoder.js';
import { type DataSchema, encodedWidth, featureWidth } from './schema.js';

/** Lines that are named for one kind of problem in one column. */
export const LINES_SHOWN_MAX = 10;
/** Kinds and columns of problems that are told apart; schemas bound them, this bounds a hostile file. */
const FINDINGS_MAX = 10_000;
/** Persons and sites that are told apart; beyond it only "more than" is known. */
export const SUBJECTS_MAX = 100_000;
export const SITES_MAX = 1_000;

/** What could be wrong with data as a whole, and may be let pass by name. */
export type WholeFault = 'constant-column' | 'one-class' | 'too-few-rows';
export const wholeFaults = [
  'constant-column',
  'one-class',
  'too-few-rows',
] as const satisfies readonly WholeFault[];

/** Problems of one kind in one column. */
export interface Finding {
  readonly kind: DataProblem['kind'];
  readonly column: string | null;
  readonly count: number;
  /** The first LINES_SHOWN_MAX of them, 1 is the header. */
  readonly lines: readonly number[];
  /** What is wrong with the first, for people. */
  readonly text: string;
  /** It was let pass. */
  readonly allowed: boolean;
}

/** What there is in a table, as counts: for the eyes of whoever owns it, never to be sent. */
export interface DataSummary {
  /** Nothing keeps it from being trained on. */
  readonly fits: boolean;
  readonly rows: number;
  readonly classes: readonly { readonly name: string; readonly rows: number }[];
  /** Persons; null without a subject column. At most SUBJECTS_MAX + 1, which means more. */
  readonly subjects: number | null;
  readonly sites: readonly { readonly name: string; readonly rows: number }[] | null;
  /** By feature: cells that are missing, and cells outside the bounds, which were clipped to them. */
  readonly features: readonly { readonly name: string; readonly missing: number; readonly clipped: number }[];
  readonly findings: readonly Finding[];
}

interface OpenFinding extends Finding {
  count: number;
  readonly lines: number[];
}

export interface Summing {
  /** For the encoder: what it counts belongs to this summary. */
  readonly seen: RowsSeen;
  onProblem(problem: DataProblem): void;
  /** One encoded row; class null: it has none. */
  addRow(
    x: Float32Array,
    at: number,
    label: number | null,
    subject: string | null,
    site: string | null,
  ): void;
  result(): DataSummary;
}

export interface SummaryOptions {
  /** Rows that training takes at once: fewer in all is a fault. */
  readonly batchRows: number;
  readonly allow: readonly WholeFault[];
}

/**
 * Sums up a table row by row, so that a file of any size takes the same memory.
 *
 * A feature is constant if all of its numbers, indicators included, are the same in every row: it teaches nothing,
 * and most often a column was mixed up or the wrong unit is clipped to a bound. Faults of the whole are told after
 * those of rows. Memory: O(width + findings + persons), all bounded.
 */
export function createSummary(schema: DataSchema, { batchRows, allow }: SummaryOptions): Summing {
  const width = encodedWidth(schema);
  const first = new Float32Array(width);
  const varies = new Uint8Array(width);
  const counts = schema.label.classes.map(() => 0);
  const seen = {
    missing: new Float64Array(schema.features.length),
    clipped: new Float64Array(schema.features.length),
  };
  const subjects = new Set<string>();
  const sites = new Map<string, number>();
  const findings = new Map<string, OpenFinding>();
  let rows = 0;

  function onProblem({ kind, column: named, line, text }: DataProblem): void {
    const column = named ?? null;
    const key = `${kind}\n${column}`;
    let finding = findings.get(key);
    if (finding === undefined) {
      if (findings.size >= FINDINGS_MAX) return;
      finding = { kind, column, count: 0, lines: [], text, allowed: isAllowed(kind, allow) };
      findings.set(key, finding);
    }
    finding.count++;
    if (line !== undefined && finding.lines.length < LINES_SHOWN_MAX) finding.lines.push(line);
  }

  return {
    seen,
    onProblem,
    addRow: (x, at, label, subject, site) => {
      if (rows === 0) first.set(x.subarray(at, at + width));
      for (let index = 0; index < width; index++) if (x[at + index] !== first[index]) varies[index] = 1;
      if (label !== null) counts[label]!++;
      if (subject !== null && subjects.size <= SUBJECTS_MAX) subjects.add(subject);
      if (site !== null && (sites.has(site) || sites.size < SITES_MAX))
        sites.set(site, (sites.get(site) ?? 0) + 1);
      rows++;
    },
    result: () => {
      for (const problem of wholeProblems(schema, rows, counts, varies, batchRows)) onProblem(problem);
      const told = [...findings.values()];
      return {
        fits: told.every(({ allowed }) => allowed),
        rows,
        classes: schema.label.classes.map((name, index) => ({ name, rows: counts[index]! })),
        subjects: schema.subject === null ? null : subjects.size,
        sites: sites.size === 0 ? null : [...sites].map(([name, count]) => ({ name, rows: count })),
        features: schema.features.map(({ name }, index) => {
          return { name, missing: seen.missing[index]!, clipped: seen.clipped[index]! };
        }),
        findings: told,
      };
    },
  };
}

function isAllowed(kind: DataProblem['kind'], allow: readonly WholeFault[]): boolean {
  return (allow as readonly string[]).includes(kind);
}

function wholeProblems(
  schema: DataSchema,
  rows: number,
  counts: readonly number[],
  varies: Uint8Array,
  batchRows: number,
): DataProblem[] {
  if (rows === 0) return [{ kind: 'no-rows', text: 'the table has no rows' }];
  const problems: DataProblem[] = [];
  if (rows < batchRows) {
    const text = `${rows} rows are fewer than the ${batchRows} that training takes at once`;
    problems.push({ kind: 'too-few-rows', text });
  }
  const there = counts.filter((count) => count > 0).length;
  if (there === 1) {
    const only = schema.label.classes[counts.findIndex((count) => count > 0)];
    const text = `every row has the label "${only}": there is nothing to tell it from`;
    problems.push({ kind: 'one-class', column: schema.label.name, text });
  }
  let at = 0;
  for (const feature of schema.features) {
    const end = at + featureWidth(feature);
    if (rows > 1 && !varies.subarray(at, end).includes(1)) {
      const text = `column ${feature.name} says the same in every row (missing, or one value after clipping): is it the right column, in the right unit?`;
      problems.push({ kind: 'constant-column', column: feature.name, text });
    }
    at = end;
  }
  return problems;
}
