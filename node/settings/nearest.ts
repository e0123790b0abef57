/** Words that differ by more are not what was meant. */
const DISTANCE_MAX = 3;

/** The known word that is most like this one; null: none is like it. Pure. */
export function nearest(word: string, known: readonly string[]): string | null {
  const ranked = known
    .map((each) => ({ each, distance: distance(word.toLowerCase(), each.toLowerCase()) }))
    .filter(({ each, distance: found }) => found <= Math.min(DISTANCE_MAX, Math.ceil(each.length / 2)))
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.each ?? null;
}

/** ": did you mean X?" or nothing. */
export function didYouMean(word: string, known: readonly string[]): string {
  const found = nearest(word, known);
  return found === null ? '' : `: did you mean ${found}?`;
}

/** Insertions, deletions, replacements, and swaps of neighbours (optimal string alignment). Cost: O(|a| |b|). */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, rows[i - 2]![j - 2]! + 1);
      }
      row.push(least);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
