import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32c } from './crc32c.js';
import { unsnappy } from './snappy.js';

/**
 * Names of a database's tables in which a sum is wrong, in order. A table without an end is none of them: one that a
 * crash cut short is removed by LevelDB, and one that it needs it refuses.
 *
 * LevelDB keeps a CRC-32C of every block of a table and its library never looks at it: what a disk has altered is taken
 * as it is, and a length among it that makes no sense ends the whole process by an assertion. So they are checked
 * before it opens them. Its log and its list of files it checks itself.
 *
 * Format: doc/table_format.md of LevelDB 1.20. Cost: reading all tables; memory for two at a time.
 */
export async function alteredTables(path: string): Promise<readonly string[]> {
  const names = (await readdir(path)).filter((name) => name.endsWith('.ldb')).sort();
  const altered: string[] = [];
  const read = (name: string | undefined): Promise<Buffer | null> => {
    const raw = name === undefined ? Promise.resolve(null) : readFile(join(path, name)).catch(absent);
    raw.catch(() => {}); // thrown where it is awaited
    return raw;
  };
  let ahead = read(names[0]);
  for (const [i, name] of names.entries()) {
    const raw = await ahead;
    // Read by another thread while this one sums.
    ahead = read(names[i + 1]);
    if (raw !== null && hasEnd(raw) && !isWhole(raw)) altered.push(name);
  }
  return altered;
}

/** A process that has the folder open may have merged the table into another. */
function absent(error: unknown): null {
  if ((error as { code?: unknown }).code === 'ENOENT') return null;
  throw error;
}

const FOOTER_BYTES = 48;
const MAGIC = 0xdb4775248b80fb57n;
/** How a block is compressed: the byte behind it. Behind that stands the sum over both. */
const SNAPPY = 1;

interface Handle {
  readonly offset: number;
  readonly size: number;
}

function hasEnd(raw: Buffer): boolean {
  return raw.length >= FOOTER_BYTES && raw.readBigUInt64LE(raw.length - 8) === MAGIC;
}

function isWhole(raw: Buffer): boolean {
  const footer = new Cursor(raw.subarray(raw.length - FOOTER_BYTES));
  const [metaindex, index] = [footer.handle(), footer.handle()];
  if (metaindex === null || index === null) return false;
  const [others, blocks] = [handlesIn(raw, metaindex), handlesIn(raw, index)];
  if (others === null || blocks === null) return false;
  return [...others, ...blocks].every((handle) => isWholeBlock(raw, handle));
}

function isWholeBlock(raw: Buffer, { offset, size }: Handle): boolean {
  const end = offset + size + 1;
  if (end + 4 > raw.length) return false;
  return raw.readUInt32LE(end) === masked(crc32c(raw.subarray(offset, end)));
}

/** LevelDB stores a sum turned and moved, since sums of what holds sums are weak. */
function masked(sum: number): number {
  return (((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0;
}

/** The values of a block whose values are places of blocks; null: it is altered. */
function handlesIn(raw: Buffer, handle: Handle): readonly Handle[] | null {
  if (!isWholeBlock(raw, handle)) return null;
  const { offset, size } = handle;
  const stored = raw.subarray(offset, offset + size);
  const block = raw[offset + size] === SNAPPY ? unsnappy(stored) : stored;
  if (block === null || block.length < 4) return null;
  const restarts = block.readUInt32LE(block.length - 4);
  const entries = new Cursor(block.subarray(0, Math.max(0, block.length - 4 - 4 * restarts)));
  const handles: Handle[] = [];
  while (!entries.atEnd) {
    const found = entries.entry();
    if (found === null) return null;
    handles.push(found);
  }
  return handles;
}

/** Reads numbers of seven bits a byte, the lowest first; null past the end. */
class Cursor {
  #at = 0;

  constructor(readonly bytes: Buffer) {}

  get atEnd(): boolean {
    return this.#at >= this.bytes.length;
  }

  number(): number | null {
    let value = 0;
    for (let scale = 1; scale < 2 ** 50; scale *= 128) {
      const byte = this.bytes[this.#at];
      if (byte === undefined) return null;
      this.#at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    return null;
  }

  handle(): Handle | null {
    const [offset, size] = [this.number(), this.number()];
    return offset === null || size === null ? null : { offset, size };
  }

  /** Shared and own bytes of the key, bytes of the value; the key's own bytes; the value, which is a handle. */
  entry(): Handle | null {
    const [shared, own, bytes] = [this.number(), this.number(), this.number()];
    if (shared === null || own === null || bytes === null) return null;
    this.#at += own;
    const start = this.#at;
    const found = this.handle();
    // The metaindex of a table without filters is empty, and so is each value that is no handle.
    return found !== null && this.#at === start + bytes ? found : null;
  }
}
