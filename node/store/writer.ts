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
        await write(database, [...group.flatMap(({ batch }) => batch), number]);
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
        const bytes = batch.reduce((sum, each) => sum + (each.type === 'put' ? each.value.length : 0), 0);
        waiting.push({ batch, bytes, resolve, reject });
        if (!running) void run();
      }),
  };
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
