import {
  closeSync,
  copyFileSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { SLOT_BYTES } from '../../node/store/frame.js';
import { journalPath } from '../../node/store/journal.js';

/** What tests write of a slot at most. */
const USED_BYTES = 256 * 1024;

/** Copies a chain folder as it lies. Of the journal, a file mostly of holes, only what small chains use. */
export function copyStore(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) {
    const file = join(from, name);
    if (file === journalPath(from)) copyJournal(from, to);
    else copyFileSync(file, join(to, name));
  }
}

/** The journal alone, over the one that is there. */
export function copyJournal(from: string, to: string): void {
  const [source, target] = [openSync(journalPath(from), 'r'), openSync(journalPath(to), 'w')];
  ftruncateSync(target, statSync(journalPath(from)).size);
  const piece = new Uint8Array(USED_BYTES);
  for (let area = 0; area < 4; area += 1) {
    readSync(source, piece, 0, USED_BYTES, area * SLOT_BYTES);
    const used = piece.findLastIndex((byte) => byte !== 0) + 1;
    writeSync(target, piece, 0, used, area * SLOT_BYTES);
  }
  closeSync(source);
  closeSync(target);
}

/** The entries of a chain folder that nobody has open, as they lie. */
export async function withRaw(
  path: string,
  work: (raw: ClassicLevel<string, Uint8Array>) => Promise<void>,
): Promise<void> {
  const raw = new ClassicLevel<string, Uint8Array>(path, { valueEncoding: 'view' });
  await raw.open();
  try {
    await work(raw);
  } finally {
    await raw.close();
  }
}
