import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../support/root.js';

const preload = pathToFileURL(join(root, 'dist', 'test', 'children', 'skewedClock.js')).href;

/** Node's argument `--import` of a process whose wall clock follows what `setClock` puts into `file`. */
export function clockImport(file: string): string {
  return `${preload}?file=${encodeURIComponent(pathToFileURL(file).href)}`;
}

/** Shifts that process's wall clock by `ms` milliseconds. The file is replaced whole: half written it would say 0. */
export function setClock(file: string, ms: number): void {
  writeFileSync(`${file}.new`, `${ms}\n`);
  renameSync(`${file}.new`, file);
}
