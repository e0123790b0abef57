import { parseNumber } from '../data/schema.js';

/** Groups of one column; more are told as one error, since nobody reads a report of thousands. */
export const GROUPS_MAX = 200;

/** Some of the rows, and what they have in common. */
export interface Group {
  readonly name: string;
  readonly rows: readonly number[];
}

export type GroupsResult =
  | { readonly ok: true; readonly groups: readonly Group[] }
  | { readonly ok: false; readonly text: string };

/**
 * Rows by the cells of a column: one group a value, in code-unit order; or, with cut points, one group a range,
 * [cut, next cut), such as age 40,65: "< 40", "40 to < 65", ">= 65". An empty cell is a group of its own, "unknown";
 * so is a cell that is no number where there are cuts.
 */
export function groupRows(cells: readonly string[], cuts: readonly number[] = []): GroupsResult {
  const groups = new Map<string, number[]>();
  for (const [row, cell] of cells.entries()) {
    const name = cuts.length === 0 ? cell || UNKNOWN : rangeOf(cell, cuts);
    const own = groups.get(name);
    if (own !== undefined) own.push(row);
    else if (groups.size >= GROUPS_MAX)
      return { ok: false, text: `more than ${GROUPS_MAX} values: give cut points` };
    else groups.set(name, [row]);
  }
  const ranges = rangeNames(cuts);
  const place = (name: string): number => (name === UNKNOWN ? GROUPS_MAX : ranges.indexOf(name));
  const named = [...groups].map(([name, rows]) => ({ name, rows }));
  named.sort((a, b) => place(a.name) - place(b.name) || (a.name < b.name ? -1 : 1));
  return { ok: true, groups: named };
}

const UNKNOWN = 'unknown';

function rangeNames(cuts: readonly number[]): string[] {
  if (cuts.length === 0) return [];
  const between = cuts.slice(1).map((cut, index) => `${cuts[index]} to < ${cut}`);
  return [`< ${cuts[0]}`, ...between, `>= ${cuts.at(-1)}`];
}

function rangeOf(cell: string, cuts: readonly number[]): string {
  const value = parseNumber(cell);
  if (value === null) return UNKNOWN;
  return rangeNames(cuts)[cuts.filter((cut) => value >= cut).length]!;
}
