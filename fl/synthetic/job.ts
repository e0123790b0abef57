import type { Records } from '../attacks/attack.js';
import { checkSchema, type DataSchema, encodedWidth } from '../data/schema.js';

/** Most rows that a generator learns from, or makes: its sums stay exact up to here. */
export const SYNTHETIC_ROWS_MAX = 16_384;

/** What a generator learns from, and what it may cost. */
export interface SynthesisJob {
  readonly schema: DataSchema;
  /** [rows][encodedWidth], row-major, as `encodeRows` gives them. */
  readonly x: Float32Array;
  /** [rows], each the index of a class of the schema's label. */
  readonly y: Float32Array;
  /**
   * Of one record: ε in 1e-6 (1 .. 64e6) and δ in 1e-12 (32 .. 1e11). Zero-out adjacency: how many rows there are is
   * public, and a record counts against an empty place. A person with several rows is protected for one of them.
   */
  readonly epsilonMicro: number;
  readonly deltaPico: number;
  /** How many rows to make, 1 .. SYNTHETIC_ROWS_MAX; they cost nothing more. */
  readonly rows: number;
}

/** One noised release of a synthesis: σ is the noise over the sensitivity, in each of so many rounds. */
export interface Release {
  readonly what: string;
  readonly sigma: number;
  /** Share of records in a round's secret Poisson sample; 1: all. */
  readonly rate: number;
  readonly rounds: number;
}

export interface Synthesis {
  /** Rows that keep the schema: within its bounds, one category each, 0 where a value is missing. */
  readonly records: Required<Records>;
  /** What all releases together amount to, at most the job's budget. */
  readonly spent: { readonly epsilon: number; readonly delta: number };
  readonly releases: readonly Release[];
}

/** Why a job can't be done, for people; null: it can. Cost O(x). */
export function checkSynthesis({ schema, x, y, epsilonMicro, deltaPico, rows }: SynthesisJob): string | null {
  const problem = checkSchema(schema);
  if (problem !== null) return problem;
  const width = encodedWidth(schema);
  if (y.length < 2 || y.length > SYNTHETIC_ROWS_MAX)
    return `${y.length} records, a generator learns from 2 to ${SYNTHETIC_ROWS_MAX}`;
  if (x.length !== y.length * width)
    return `${x.length} numbers for ${y.length} records of ${width}: encode them by this schema`;
  if (!x.every(Number.isFinite)) return 'a number of the records is not finite';
  const classes = schema.label.classes.length;
  if (!y.every((label) => Number.isInteger(label) && label >= 0 && label < classes))
    return `a label is none of the classes 0 to ${classes - 1}`;
  if (!isWhole(epsilonMicro, 1, 64_000_000)) return 'ε must lie above 0 and be at most 64';
  if (!isWhole(deltaPico, 32, 100_000_000_000)) return 'δ must be 3.2e-11 at least and 0.1 at most';
  if (!isWhole(rows, 1, SYNTHETIC_ROWS_MAX)) return `make 1 to ${SYNTHETIC_ROWS_MAX} rows`;
  return null;
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= least && value <= most;
}
