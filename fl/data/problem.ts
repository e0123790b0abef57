/** One thing that keeps data from being trained on. */
export interface DataProblem {
  readonly kind:
    | 'bad-schema'
    | 'missing-column'
    | 'not-a-number'
    | 'not-finite'
    | 'unknown-category'
    | 'unknown-label'
    | 'no-subject'
    | 'no-rows'
    | 'constant-column'
    | 'one-class'
    | 'too-few-rows';
  /** Line of the file, 1 is the header. */
  readonly line?: number;
  readonly column?: string;
  /** A sentence for people: what is wrong and what to do. Shows the offending cell, shortened. */
  readonly text: string;
}

/** A text cell where a number belongs. */
export function notANumber(cell: string, line: number, column: string): DataProblem {
  const isWord = !/^[+-]?(nan|inf(inity)?|1\.#(inf|qnan|ind))$/i.test(cell);
  const advice = isWord ? 'is not a number' : 'is no finite number';
  const text = `line ${line}, column ${column}: ${shown(cell)} ${advice} (leave a missing value empty, or let the schema name it)`;
  return { kind: isWord ? 'not-a-number' : 'not-finite', line, column, text };
}

/** A cell as a message shows it: quoted and cut. */
export function shown(cell: string): string {
  return JSON.stringify(cell.length > 32 ? `${cell.slice(0, 32)}...` : cell);
}
