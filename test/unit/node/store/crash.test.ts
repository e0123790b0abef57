import {
  closeSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SLOT_BYTES } from '../../../../node/store/frame.js';
import { StoreError } from '../../../../node/store/index.js';
import { journalPath } from '../../../../node/store/journal.js';
import {
  anyFile,
  dice,
  openAt,
  recordWrites,
  type Seen,
  type Snapshot,
  seenAt,
} from '../../../support/crashChain.js';
import { copyJournal, copyStore } from '../../../support/storeCopy.js';

/** How often each kind of harm is done: CRASH_TIMES=20 for twenty times as often (npm run test:crash). */
const TIMES = Number(process.env.CRASH_TIMES ?? 1);
const PATIENCE_MS = 120_000 * TIMES;
const seed = process.env.SEED ?? `${Date.now()}`;

let folder: string;
let snapshots: readonly Snapshot[];
let copies = 0;

beforeAll(async () => {
  console.log(`SEED=${seed}`);
  folder = mkdtempSync(join(tmpdir(), 'store-crash-'));
  snapshots = await recordWrites(folder, 6);
}, PATIENCE_MS);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Does harm to a copy of a folder and tells what opening it then gives. */
async function harmed(
  from: string,
  harm: (path: string) => void,
  look: (path: string) => void = () => undefined,
): Promise<Seen | StoreError> {
  copies += 1;
  const path = join(folder, `copy-${copies}`);
  copyStore(from, path);
  harm(path);
  const outcome = await seenAt(path);
  look(path);
  rmSync(path, { recursive: true });
  return outcome;
}

/** Right, or refused with the way out: never another state, never fewer votes. */
function expectSound(outcome: Seen | StoreError, right: readonly Seen[], what: string): 'right' | 'refused' {
  if (!(outcome instanceof StoreError)) {
    expect(right, `SEED=${seed}: ${what}`).toContainEqual(outcome);
    return 'right';
  }
  expect(['damaged', 'unreadable'], `SEED=${seed}: ${what}`).toContain(outcome.code);
  expect(outcome.message, `SEED=${seed}: ${what}`).toContain('consilium chain repair');
  return 'refused';
}

function logOf(path: string): string {
  return join(path, readdirSync(path).find((name) => name.endsWith('.log'))!);
}

function flip(file: string, at: number, bit: number): void {
  const fd = openSync(file, 'r+');
  const byte = new Uint8Array(1);
  readSync(fd, byte, 0, 1, at);
  byte[0]! ^= 1 << bit;
  writeSync(fd, byte, 0, 1, at);
  closeSync(fd);
}

/** A byte of a file: of the journal, one that frames may stand on. */
function anyByte(file: string, below: (limit: number) => number): number {
  if (file !== journalPath(join(file, '..'))) return below(statSync(file).size);
  return below(4) * SLOT_BYTES + below(20_000);
}

describe('kill -9 right after a write', () => {
  it(
    'loses nothing that was acknowledged, at any of them',
    async () => {
      for (const { path, seen } of snapshots) expect(await harmed(path, () => undefined)).toEqual(seen);
    },
    PATIENCE_MS,
  );
});

describe('a power cut in the middle of a write', () => {
  it(
    'leaves the state before it or after it, and nobody has to repair anything',
    async () => {
      const below = dice(seed);
      for (let i = 1; i < snapshots.length; i += 1) {
        const [before, next] = [snapshots[i - 1]!, snapshots[i]!];
        const [from, to] = [statSync(logOf(before.path)).size, statSync(logOf(next.path)).size];
        // The database first: its log is cut anywhere inside the new batch.
        const cuts =
          to === from
            ? []
            : [from + 1, to - 1, ...Array.from({ length: 2 * TIMES }, () => from + below(to - from))];
        for (const cut of cuts) {
          const outcome = await harmed(before.path, (path) => {
            copyFileSync(logOf(next.path), logOf(path));
            truncateSync(logOf(path), cut);
          });
          expect([before.seen, next.seen], `SEED=${seed}: write ${i}, log cut at ${cut}`).toContainEqual(
            outcome,
          );
        }
        // Then the journal: of what the write changes, any piece may have reached the disk.
        for (let round = 0; round < 2 * TIMES; round += 1) {
          const outcome = await harmed(next.path, (path) => tearJournal(path, before.path, next.path, below));
          expect([before.seen, next.seen], `SEED=${seed}: write ${i}, journal torn`).toContainEqual(outcome);
        }
      }
    },
    PATIENCE_MS,
  );
});

const TORN_BYTES = 64 * 1024;

/** The journal of `old` with some of the pieces in which `fresh` differs, finer than the sectors of any disk. */
function tearJournal(path: string, old: string, fresh: string, below: (limit: number) => number): void {
  copyJournal(old, path);
  const [target, source] = [openSync(journalPath(path), 'r+'), openSync(journalPath(fresh), 'r')];
  const [was, is] = [new Uint8Array(TORN_BYTES), new Uint8Array(TORN_BYTES)];
  for (let area = 0; area < 4; area += 1) {
    readSync(target, was, 0, TORN_BYTES, area * SLOT_BYTES);
    readSync(source, is, 0, TORN_BYTES, area * SLOT_BYTES);
    for (let at = 0; at < TORN_BYTES; at += 32) {
      if (Buffer.compare(was.subarray(at, at + 32), is.subarray(at, at + 32)) !== 0 && below(2) === 0) {
        was.set(is.subarray(at, at + 32), at);
      }
    }
    writeSync(target, was, 0, TORN_BYTES, area * SLOT_BYTES);
  }
  closeSync(target);
  closeSync(source);
}

describe('a disk that loses or alters what was on it', () => {
  it(
    'is noticed when a file ends early, at any write’s end',
    async () => {
      const last = snapshots.at(-1)!;
      for (const { path: earlier } of snapshots.slice(0, -1)) {
        const size = statSync(logOf(earlier)).size;
        if (size === statSync(logOf(last.path)).size) continue;
        const outcome = await harmed(last.path, (path) => truncateSync(logOf(path), size));
        expect(expectSound(outcome, [], `log cut to ${size}`)).toBe('refused');
      }
    },
    PATIENCE_MS,
  );

  it(
    'is noticed when the journal is an older one, or gone',
    async () => {
      const commits = snapshots.filter(({ write }) => write === 'commit');
      const last = commits.at(-1)!;
      for (const { path: earlier } of commits.slice(0, -1)) {
        const outcome = await harmed(last.path, (path) => copyJournal(earlier, path));
        expect(expectSound(outcome, [], `the journal of ${basename(earlier)}`)).toBe('refused');
      }
      const gone = await harmed(last.path, (path) => rmSync(journalPath(path)));
      expect(expectSound(gone, [], 'no journal')).toBe('refused');
      const zeros = await harmed(last.path, (path) => {
        truncateSync(journalPath(path), 0);
        truncateSync(journalPath(path), 4 * SLOT_BYTES);
      });
      expect(expectSound(zeros, [], 'a journal of zeros')).toBe('refused');
    },
    PATIENCE_MS,
  );

  it(
    'is noticed when the database is gone beside its journal',
    async () => {
      const last = snapshots.at(-1)!;
      const keep = basename(journalPath(''));
      const outcome = await harmed(last.path, (path) => {
        for (const name of readdirSync(path)) if (name !== keep) rmSync(join(path, name));
      });
      expect(expectSound(outcome, [], 'no database')).toBe('refused');
    },
    PATIENCE_MS,
  );

  it('leaves what can be saved when LevelDB’s own list of files is lost', async () => {
    const last = snapshots.at(-1)!;
    let kept = 0;
    const lose = (path: string): void => rmSync(join(path, 'CURRENT'));
    const outcome = await harmed(last.path, lose, (path) => {
      kept = statSync(logOf(path)).size;
    });
    expect(expectSound(outcome, [], 'no CURRENT')).toBe('refused');
    expect(kept).toBe(statSync(logOf(last.path)).size);
  });

  it(
    'is noticed when any file is cut at any byte',
    async () => {
      const below = dice(`${seed} cuts`);
      const reopened = await openedAgain();
      let refused = 0;
      for (let i = 0; i < 200 * TIMES; i += 1) {
        const { path: from, seen } = i % 3 === 0 ? reopened : snapshots[below(snapshots.length)]!;
        let what = '';
        const outcome = await harmed(from, (path) => {
          const file = anyFile(path, below);
          const cut = below(statSync(file).size);
          what = `${basename(from)}: ${basename(file)} cut at ${cut}`;
          truncateSync(file, cut);
        });
        if (expectSound(outcome, [seen], what) === 'refused') refused += 1;
      }
      expect(refused, `SEED=${seed}`).toBeGreaterThan(100 * TIMES);
    },
    PATIENCE_MS,
  );

  it(
    'is noticed or made good when a bit of any file flips',
    async () => {
      const below = dice(`${seed} flips`);
      const reopened = await openedAgain();
      const outcomes = { right: 0, refused: 0 };
      for (let i = 0; i < 200 * TIMES; i += 1) {
        const { path: from, seen } = i % 3 === 0 ? reopened : snapshots[below(snapshots.length)]!;
        let what = '';
        const outcome = await harmed(from, (path) => {
          const file = anyFile(path, below);
          const [at, bit] = [anyByte(file, below), below(8)];
          what = `${basename(from)}: bit ${bit} of byte ${at} of ${basename(file)}`;
          flip(file, at, bit);
        });
        outcomes[expectSound(outcome, [seen], what)] += 1;
      }
      expect(outcomes.right, `SEED=${seed}`).toBeGreaterThan(10);
      expect(outcomes.refused, `SEED=${seed}`).toBeGreaterThan(10);
    },
    PATIENCE_MS,
  );

  it(
    'loses no vote when either copy of the journal is lost',
    async () => {
      for (const { path: from, seen } of snapshots.filter((_, i) => i % 3 === 0)) {
        for (const area of [0, 1, 2, 3]) {
          const outcome = await harmed(from, (path) => {
            const fd = openSync(journalPath(path), 'r+');
            writeSync(fd, new Uint8Array(256 * 1024), 0, 256 * 1024, area * SLOT_BYTES);
            closeSync(fd);
          });
          expect(outcome).toEqual(seen);
        }
      }
    },
    PATIENCE_MS,
  );
});

/** The last folder after one more opening: its log has become tables. */
async function openedAgain(): Promise<Snapshot> {
  const last = snapshots.at(-1)!;
  copies += 1;
  const path = join(folder, `reopened-${copies}`);
  copyStore(last.path, path);
  await (await openAt(path)).close();
  return { ...last, path };
}
