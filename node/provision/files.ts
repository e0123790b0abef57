import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import type { Table } from '../../fl/index.js';

/** Folders of a network are the owner's alone. */
export function makeFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

export function writeJson(path: string, value: unknown): void {
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`, { flag: 'wx' });
}

/** A file that only its owner may read, whatever the umask says. */
export function writeSecret(path: string, text: string): void {
  writeFileSync(path, text, { flag: 'wx', mode: 0o600 });
  chmodSync(path, 0o600);
}

export function writeTable(path: string, table: Table): void {
  writeFileSync(path, formatTable(table), { flag: 'wx', mode: 0o600 });
}

/** A table as CSV (RFC 4180, but with "\n"): parseTable reads back the same cells. */
export function formatTable({ header, rows }: Table): string {
  return `${[header, ...rows].map((row) => row.map(formatCell).join(',')).join('\n')}\n`;
}

function formatCell(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
