import type { Unit } from '../privacy/units.js';

/** Rows with whose they are. */
export interface PersonRows {
  /** [rows][width], row-major. */
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** [rows], ascending from 0, each person's rows side by side; null: nobody knows whose they are. */
  readonly persons: Int32Array | null;
}

/** The rows with each person's side by side, in the order in which persons first appear; without subjects as they are. */
export function groupByPerson(
  x: Float32Array,
  y: Float32Array,
  subjects: readonly string[] | null,
): PersonRows {
  if (subjects === null) return { x, y, persons: null };
  const rowsOf = new Map<string, number[]>();
  for (const [row, subject] of subjects.entries()) {
    const rows = rowsOf.get(subject);
    if (rows === undefined) rowsOf.set(subject, [row]);
    else rows.push(row);
  }
  const width = x.length / y.length;
  const grouped = { x: new Float32Array(x.length), y: new Float32Array(y.length) };
  const persons = new Int32Array(y.length);
  let [at, person] = [0, 0];
  for (const rows of rowsOf.values()) {
    for (const row of rows) {
      grouped.x.set(x.subarray(row * width, (row + 1) * width), at * width);
      grouped.y[at] = y[row]!;
      persons[at++] = person;
    }
    person++;
  }
  return { ...grouped, persons };
}

/** N_k: how many units of a task these rows are; null: they can't be counted, since nobody knows whose they are. */
export function unitsIn(unit: Unit, rows: number, persons: Int32Array | null | undefined): number | null {
  if (unit === 'device') return 1;
  if (unit === 'record') return rows;
  return persons == null ? null : (persons.at(-1) ?? -1) + 1;
}
