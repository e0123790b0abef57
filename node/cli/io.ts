import type { Screen } from './demo/display.js';
import { failureOf } from './failure.js';

/** Where a command writes and what it is asked to look like. */
export interface Io {
  /** One line, or several, for the user or a pipe. */
  out(text: string): void;
  /** Remarks that are not the result. */
  note(text: string): void;
  readonly screen: Screen;
  readonly env: NodeJS.ProcessEnv;
}

export function processIo(): Io {
  return {
    out: (text) => process.stdout.write(`${printable(text)}\n`),
    note: (text) => process.stderr.write(`${printable(text)}\n`),
    screen: process.stdout,
    env: process.env,
  };
}

/** A failure as users see it; with `json` as one object on a line. */
export function failureText(error: unknown, json: boolean, debug: boolean): string {
  const { code, message, hint, exit } = failureOf(error);
  if (json) return JSON.stringify({ error: { code, exit, message, hint } });
  const lines = [`consilium: ${message}`];
  if (hint !== null) lines.push(`  ${hint}`);
  if (debug && error instanceof Error) lines.push(error.stack ?? '');
  return printable(lines.join('\n'));
}

/**
 * A text without control characters but line ends and tabs: titles, names and messages come from other nodes and from
 * files, and must not move the cursor or change the terminal. Pure.
 */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '\ufffd');
}

/** Columns that line up. Pure. */
export function formatColumns(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>(
    (least, row) => row.map((cell, index) => Math.max(least[index] ?? 0, [...cell].length)),
    [],
  );
  const pad = (cell: string, index: number): string => cell + ' '.repeat(widths[index]! - [...cell].length);
  return rows.map((row) => row.map(pad).join('  ').trimEnd()).join('\n');
}
