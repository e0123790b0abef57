export interface DataProblem {
  readonly kind: 'bad-schema' | 'missing-column' | 'not-a-number' | 'unknown-label' | 'no-rows';
  /** Line of the file, 1 is the header. */
  readonly line?: number;
  readonly column?: string;
  /** A sentence for people: what is wrong and what to do. Shows the offending cell, shortened. */
  readonly text: string;
}

/** A text cell where a number belongs. */
export function notANumber(cell: string, line: number, column: string): DataProblem {
  const text = `line ${line}, column ${column}: ${shown(cell)} is not a number (leave a missing value empty)`;
  return { kind: 'not-a-number', line, column, text };
}

/** A cell as a message shows it: quoted and cut. */
export function shown(cell: string): string {
  return JSON.stringify(cell.length > 32 ? `${cell.slice(0, 32)}...` : cell);
}
