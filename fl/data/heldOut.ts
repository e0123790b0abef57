import { shuffled } from './split.js';

/** The largest share of a device's rows that may be held out: a half. In 2^-16. */
export const HELD_OUT16_MAX = 32_768;
const ONE16 = 65_536;

/** Places of rows, ascending. */
export interface HeldOut {
  readonly training: readonly number[];
  readonly heldOut: readonly number[];
}

/**
 * Deals a device's rows into those that train and those that only evaluate: at most `share16` of them, drawn by the seed.
 *
 * With `subjects` ([rows], whose row it is) all rows of one person go to one side, or the evaluation would measure how
 * well a patient is remembered. Persons are taken in a drawn order; one whose rows no longer fit is passed over.
 * Unit: share16 in 2^-16, 0 to HELD_OUT16_MAX. The same seed gives the same parts on every machine. Cost: O(rows).
 */
export function holdOut({
  rows,
  subjects,
  share16,
  seed,
}: {
  readonly rows: number;
  readonly subjects: readonly string[] | null;
  readonly share16: number;
  readonly seed: Uint8Array;
}): HeldOut {
  if (!(Number.isInteger(share16) && share16 >= 0 && share16 <= HELD_OUT16_MAX))
    throw new RangeError(`a share of ${share16} / 2^16`);
  const room = Math.floor((rows * share16) / ONE16);
  const persons = rowsByPerson(rows, subjects);
  const held = new Set<number>();
  for (const person of shuffled(persons.length, seed)) {
    const own = persons[person]!;
    if (held.size + own.length <= room) for (const row of own) held.add(row);
  }
  const all = Array.from({ length: rows }, (_, row) => row);
  return {
    training: all.filter((row) => !held.has(row)),
    heldOut: all.filter((row) => held.has(row)),
  };
}

/** The most rows that whoever trains on `units` can have held out. Unit: rows, rounded down. */
export function heldOutMax(units: number, share16: number): number {
  return Math.floor((units * share16) / (ONE16 - share16));
}

/** In the order of each person's first row. */
function rowsByPerson(rows: number, subjects: readonly string[] | null): readonly (readonly number[])[] {
  if (subjects === null) return Array.from({ length: rows }, (_, row) => [row]);
  const persons = new Map<string, number[]>();
  for (const [row, subject] of subjects.entries()) {
    const own = persons.get(subject);
    if (own === undefined) persons.set(subject, [row]);
    else own.push(row);
  }
  return [...persons.values()];
}
