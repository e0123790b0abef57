import { encode, uint } from '../../chain/index.js';
import { type Database, type Write, write } from './database.js';
import { key } from './entries.js';

/** What goes into one batch at most, unless a single write is larger. */
const BATCH_BYTES_MAX = 16 * 1024 * 1024;

/**
 * The one writer of the database. Batches that come while one is under way go together in the next, with one
 * sync for all, in their order and each atomic. Every batch carries its number: LevelDB can lose the last ones
 * without a word, and the journal beside it knows how many there were.
 */
export interface Writer {
  /** Batches on disk. */
  readonly writes: number;
  /** On disk when it resolves. After one failure everything fails. */
  write(batch: readonly Write[]): Promise<void>;
}

interface Waiting {
  readonly batch: readonly Write[];
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export function createWriter(database: Database, opened: number): Writer {
  const waiting: Waiting[] = [];
  let writes = opened;
  let running = false;

  async function run(): Promise<void> {
    running = true;
    while (waiting.length > 0) {
      const group = takeGroup(waiting);
      try {
        const number: Write = { type: 'put', key: key.writes, value: encode(uint, writes + 1) };
        await write(database, [...group.map(({ batch }) => batch), [number]]);
        writes += 1;
        for (const { resolve } of group) resolve();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    running = false;
  }

  return {
    get writes() {
      return writes;
    },
    write: (batch) =>
      new Promise((resolve, reject) => {
        waiting.push({ batch, bytes: bytesOf(batch), resolve, reject });
        if (!running) void run();
      }),
  };
}

function bytesOf(batch: readonly Write[]): number {
  let bytes = 0;
  for (const each of batch) if (each.type === 'put') bytes += each.value.length;
  return bytes;
}

function takeGroup(waiting: Waiting[]): readonly Waiting[] {
  let bytes = 0;
  let count = 0;
  while (count < waiting.length && (count === 0 || bytes + waiting[count]!.bytes <= BATCH_BYTES_MAX)) {
    bytes += waiting[count]!.bytes;
    count += 1;
  }
  return waiting.splice(0, count);
}
