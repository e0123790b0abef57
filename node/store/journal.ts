import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Head } from './entries.js';
import {
  decodeFrame,
  encodeFrame,
  FRAME_HEADER_BYTES,
  type Frame,
  type FrameBody,
  SLOT_BYTES,
} from './frame.js';

export interface StoredRecord {
  readonly key: string;
  readonly value: Uint8Array;
}

/**
 * A node that may have forgotten votes of its own does not vote: up to the height `through`, or, while that is
 * null, at no height, until the network has told how far it had come (docs/store.md).
 */
export interface Abstention {
  readonly through: number | null;
}

/** What the journal says: what the database must hold at least, and what binds this node's votes. */
export interface Bound {
  readonly head: Head;
  /** Batches that the database had on disk. */
  readonly writes: number;
  readonly abstention: Abstention | null;
  /** The height that the records are of, the one after the head. */
  readonly height: number;
  readonly records: ReadonlyMap<string, Uint8Array>;
}

/** How far the journal is on disk for sure. The database keeps it, so that an older journal shows. */
export interface Stamp {
  readonly generation: number;
  readonly frames: number;
}

export interface Change {
  readonly head: Head;
  readonly writes: number;
  readonly height: number;
  readonly put: readonly StoredRecord[];
  readonly drop: readonly string[];
}

/**
 * The file beside the database that holds agreement's own records, and how far the database had come.
 *
 * Two slots, each there twice, so four areas of SLOT_BYTES in a file of fixed size (a cut shows). A slot holds a
 * generation: frame 0 says everything, later frames what was added. A frame is written to both copies and
 * synced once; either copy serves, so that damage in one place loses nothing. A new generation goes into the slot
 * that does not hold the newest synced one: a torn write leaves that as it was.
 *
 * One operation at a time; the store sees to that. Errors of the file system pass through.
 */
export interface Journal {
  readonly bound: Bound;
  readonly stamp: Stamp;
  /** Records added, replaced, dropped. On disk when it resolves; nothing new costs nothing. About 0.15 ms. */
  append(change: Change): Promise<void>;
  /** Everything anew. On disk when it resolves. */
  rewrite(bound: Bound): Promise<void>;
  /** Everything anew, handed to the operating system: there after kill -9, and after a power cut perhaps. */
  note(bound: Bound): void;
  close(): Promise<void>;
}

export type JournalFault = 'missing' | 'cut-short' | 'unreadable';

const NAME = 'agreement.journal';
const FILE_BYTES = 4 * SLOT_BYTES;
const COPIES = [0, 2] as const;

export function journalPath(folder: string): string {
  return join(folder, NAME);
}

/** Makes the file: there whole, synced, or not at all. An older one is replaced. */
export function createJournal(folder: string, bound: Bound, generation = 1): void {
  const file = journalPath(folder);
  const fresh = `${file}.new`;
  const fd = openSync(fresh, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC, 0o600);
  try {
    ftruncateSync(fd, FILE_BYTES);
    writeFrame(fd, 0, 0, encodeFrame(generation, 0, bodyOf(bound)));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(fresh, file);
  syncFolder(folder);
}

/** Opens the file and reads its newest generation. Nothing in it is changed. */
export function openJournal(folder: string): Journal | JournalFault {
  const fd = openOrNull(journalPath(folder));
  if (fd === null) return 'missing';
  try {
    if (fstatSync(fd).size !== FILE_BYTES) return closed(fd, 'cut-short');
    // After kill -9 the newest generation may be in the system's memory alone, and the next goes over the other.
    fdatasyncSync(fd);
    const slots = [readSlot(fd, 0), readSlot(fd, 1)].filter((slot) => slot !== null);
    const newest = slots.sort((a, b) => b.generation - a.generation)[0];
    return newest === undefined ? closed(fd, 'unreadable') : createWriter(fd, newest);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function closed(fd: number, fault: JournalFault): JournalFault {
  closeSync(fd);
  return fault;
}

/** Makes a change of the folder's entries last. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

interface Slot {
  readonly slot: number;
  readonly generation: number;
  readonly frames: number;
  /** Where the next frame goes. */
  readonly end: number;
  readonly bound: Bound;
}

function createWriter(fd: number, opened: Slot): Journal {
  let { bound, generation, end } = opened;
  let { slot, frames } = opened;
  /** The newest generation on disk for sure, and its slot, which nothing else may overwrite. */
  let synced: Stamp & { readonly slot: number } = opened;

  /** Writes frame 0 of a new generation. Until it is synced, the slot with the synced one stays as it is. */
  function begin(next: Bound): void {
    const frame = encodeFrame(generation + 1, 0, bodyOf(next));
    if (frame.length > SLOT_BYTES)
      throw new RangeError(`the records of height ${next.height} outgrow the journal`);
    slot = 1 - synced.slot;
    writeFrame(fd, slot, 0, frame);
    generation += 1;
    frames = 1;
    end = frame.length;
    bound = next;
  }

  async function sync(): Promise<void> {
    const reached = { generation, frames, slot };
    await new Promise<void>((resolve, reject) =>
      fdatasync(fd, (error) => (error === null ? resolve() : reject(error))),
    );
    synced = reached;
  }

  return {
    get bound() {
      return bound;
    },
    get stamp() {
      return { generation: synced.generation, frames: synced.frames };
    },
    append: async (change) => {
      const known = change.height === bound.height ? bound.records : new Map<string, Uint8Array>();
      const put = change.put.filter(({ key, value }) => !isSame(known.get(key), value));
      const drop = change.drop.filter((key) => known.has(key));
      if (put.length === 0 && drop.length === 0) return;
      const body: FrameBody = { ...change, put, drop, abstention: bound.abstention };
      const next = withFrame(bound, body);
      const frame = encodeFrame(generation, frames, body);
      if (end + frame.length > SLOT_BYTES) begin(next);
      else {
        writeFrame(fd, slot, end, frame);
        frames += 1;
        end += frame.length;
      }
      await sync();
      bound = next;
    },
    rewrite: async (next) => {
      begin(next);
      await sync();
    },
    note: begin,
    close: async () => {
      try {
        await sync();
      } finally {
        closeSync(fd);
      }
    },
  };
}

/** The generation in a slot, as far as its frames are whole in one copy or the other; null: there is none. */
function readSlot(fd: number, slot: number): Slot | null {
  const first = copiesAt(fd, slot, 0)
    .filter(({ index }) => index === 0)
    .sort((a, b) => b.generation - a.generation)[0];
  if (first === undefined) return null;
  const { generation } = first;
  let bound = withFrame(null, first.body);
  let end = first.size;
  let frames = 1;
  for (;;) {
    const next = copiesAt(fd, slot, end).find(
      (frame) => frame.generation === generation && frame.index === frames,
    );
    if (next === undefined) return { slot, generation, frames, end, bound };
    bound = withFrame(bound, next.body);
    end += next.size;
    frames += 1;
  }
}

function copiesAt(fd: number, slot: number, at: number): readonly Frame[] {
  if (at + FRAME_HEADER_BYTES > SLOT_BYTES) return [];
  return COPIES.flatMap((copy) => {
    const start = (copy + slot) * SLOT_BYTES + at;
    const frame = decodeFrame((from, length) => {
      const bytes = new Uint8Array(Math.min(length, SLOT_BYTES - at - from));
      return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, start + from));
    });
    return frame === null ? [] : [frame];
  });
}

function writeFrame(fd: number, slot: number, at: number, frame: Uint8Array): void {
  for (const copy of COPIES) {
    const start = (copy + slot) * SLOT_BYTES + at;
    for (let done = 0; done < frame.length; ) {
      done += writeSync(fd, frame, done, frame.length - done, start + done);
    }
  }
}

function bodyOf({ records, ...rest }: Bound): FrameBody {
  const put = [...records].map(([key, value]) => ({ key, value }));
  return { ...rest, drop: [], put };
}

/** What holds after one more frame. Records of another height than before replace all. */
function withFrame(before: Bound | null, { put, drop, ...rest }: FrameBody): Bound {
  const records = new Map(before?.height === rest.height ? before.records : []);
  for (const key of drop) records.delete(key);
  for (const { key, value } of put) records.set(key, new Uint8Array(value));
  return { ...rest, records };
}

function isSame(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}

function openOrNull(file: string): number | null {
  try {
    return openSync(file, constants.O_RDWR);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return null;
    throw error;
  }
}
