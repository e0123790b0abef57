import type { Plot } from '../plot/plot.js';
import type { Row } from '../row.js';

/*
 * How to add a section
 *
 * 1. One file in bench/learning/ that exports a `Section`: `run` measures and returns rows (figures with goals), tables
 *    and plots. Numbers over several seeds go in whole, one value a seed: the document computes mean ± deviation, so
 *    what it says cannot differ from what was measured.
 * 2. One line in bench/learning/sections.ts.
 * 3. npm run bench -- learning --only NAME --splits 3      a trial: prints rows, keeps nothing
 *    npm run bench -- learning --only NAME                 all 20 seeds: keeps docs/results/NAME.json
 *    npm run results                                       docs/results.md and docs/results/*.svg from all that is kept
 * 4. What was tried, why it stops there, how to read it: docs/results/NAME.notes.md, copied into the document below the
 *    section's tables. It may change without measuring again, so it repeats no figure that the tables have.
 * 5. Commit JSON, notes, SVG and document together; a test makes the document again and compares.
 */

/** A part of the learning bench that is measured, kept and shown by itself. */
export interface Section {
  /** Small letters, digits and dashes: names its files. */
  readonly name: string;
  /** Heading in the document. */
  readonly title: string;
  /** How it was measured: paragraphs of markdown, printed above the tables. */
  readonly method: readonly string[];
  /** False: measures times or exact numbers, once; `seeds` then means nothing to it. */
  readonly seeded: boolean;
  /** At most so many seeds, where one takes minutes; all that the bench is asked for if not given. */
  readonly splitsMax?: number;
  /** A file that does not ship, looked for in the folder of \`--data\`. Without that the section is passed over. */
  readonly needs?: string;
  /** It looks at `tuning` alone: the section shows how something was chosen. */
  readonly tunes?: true;
  run(context: Context): Measured | Promise<Measured>;
}

export interface Context {
  /** The splits to measure on: 0 to 19, or the first few in a trial. Never those that settings are chosen on. */
  readonly seeds: readonly number[];
  /** Seeds that settings may be chosen on: 100 to 119, or the first few in a trial. */
  readonly tuning: readonly number[];
  /** The folder of data that does not ship; null: none was named. */
  readonly data: string | null;
  /** One line of progress, to stderr. */
  say(line: string): void;
}

/** What a section found. JSON throughout: it is kept as it is. Not a number and infinity have no place in it. */
export interface Measured {
  /** Figures with their goals; the document lists the goals, met and not, at its top. */
  readonly rows: readonly Row[];
  readonly tables: readonly Table[];
  readonly plots: readonly Plot[];
  /** What did the arithmetic: "float64 in JavaScript", "wasm", "tfjs-node", "PyTorch 1.13". */
  readonly backend: string;
}

export interface Table {
  /** A line above the table; "" for none. */
  readonly title: string;
  readonly columns: readonly string[];
  /** As many cells as there are columns. */
  readonly rows: readonly (readonly Cell[])[];
}

/** A text, or a number over seeds, or an exact one. */
export type Cell = string | Values | Single;

/** One value a seed, shown as mean ± standard deviation (of the sample), or as the mean alone. */
export interface Values {
  readonly values: readonly number[];
  /** Digits after the point. */
  readonly digits: number;
  /** Show the mean alone. */
  readonly mean?: true;
  /** What follows the number: "of 6". */
  readonly unit?: string;
}

/** One number that has no spread. */
export interface Single {
  readonly value: number;
  readonly digits: number;
  readonly unit?: string;
}

/** Accuracies and other shares in per cent, one value a seed; `shares` within 0 to 1. */
export function percent(shares: readonly number[], digits = 1): Values {
  return { values: shares.map((share) => round(100 * share, 4)), digits };
}

/** To so many digits after the point, so that what is kept is short. */
export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
