import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { payloadId, treeRoot } from '../../chain/index.js';
import { bytesToHex, drbg, utf8ToBytes } from '../../crypto/index.js';
import { openStore, type Store, StoreError } from '../../node/store/index.js';
import { chainId, genesisParent, genesisState, makeNext } from './notesChain.js';
import { copyStore } from './storeCopy.js';

/** A chain folder as it lies on the disk when one more write was acknowledged, and what it then must say. */
export interface Snapshot {
  readonly path: string;
  readonly write: 'open' | 'record' | 'payload' | 'commit';
  readonly seen: Seen;
}

/** What a store says: where the chain ends, with which state, and what binds this node's votes. */
export interface Seen {
  readonly height: number;
  readonly hash: string;
  readonly stateRoot: string;
  readonly records: readonly string[];
}

/** Heights that go into one batch at the beginning. */
const RUN_HEIGHTS = 40;

/** Writes heights as a node does, some in one batch and then `heights` one by one, and keeps the folder as it lies after each write. */
export async function recordWrites(folder: string, heights: number): Promise<readonly Snapshot[]> {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'chain');
  const store = await openAt(path);
  const snapshots: Snapshot[] = [];
  const keep = (write: Snapshot['write']): void => {
    const at = join(folder, `after-${snapshots.length}`);
    copyStore(path, at);
    snapshots.push({ path: at, write, seen: look(store) });
  };
  keep('open');
  let parent = genesisParent();
  // As a node writes that catches up, more than one block of LevelDB's log (32 KiB) long.
  const run = Array.from({ length: RUN_HEIGHTS }, () => {
    const { commit, next } = makeNext(parent, 1);
    parent = next;
    return commit;
  });
  await store.commit(...run);
  keep('commit');
  for (let height = RUN_HEIGHTS + 1; height <= RUN_HEIGHTS + heights; height += 1) {
    const { commit, next } = makeNext(parent, 1);
    const payload = utf8ToBytes(`payload of ${height} `.repeat(40));
    await store.putPayload(payloadId(payload), payload);
    keep('payload');
    await store.putRecords(height, [
      { key: 'vote/0/soft/x', value: utf8ToBytes(`soft ${height}`) },
      { key: 'block/x', value: drbg(commit.hash)(200 + 4_000 * (height % 3)) },
    ]);
    keep('record');
    await store.putRecords(height, [{ key: 'vote/0/cert/x', value: utf8ToBytes(`cert ${height}`) }]);
    keep('record');
    await store.commit(commit);
    keep('commit');
    parent = next;
  }
  // A payload that a vote rests on: its loss leaves the chain whole, and must show all the same.
  const last = utf8ToBytes('payload of the last vote');
  await store.putPayload(payloadId(last), last);
  keep('payload');
  await store.putRecords(heights + RUN_HEIGHTS + 1, [
    { key: 'vote/0/soft/x', value: utf8ToBytes('the last') },
  ]);
  keep('record');
  await store.close();
  return snapshots;
}

export function openAt(path: string): Promise<Store> {
  return openStore({ path, chainId, genesisState: genesisState(), create: true });
}

function look(store: Store): Seen {
  const { height, hash } = store.head;
  const records = store.records(height + 1).map(({ key, value }) => `${key}=${bytesToHex(value)}`);
  return { height, hash: bytesToHex(hash), stateRoot: bytesToHex(treeRoot(store.state())), records };
}

/** Opens a folder: what it then says, or the error that it refuses with. */
export async function seenAt(path: string): Promise<Seen | StoreError> {
  try {
    const store = await openAt(path);
    try {
      return look(store);
    } finally {
      await store.close();
    }
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
}

/** Whole numbers below `below`, by a seed. */
export function dice(seed: string): (below: number) => number {
  const random = drbg(utf8ToBytes(seed));
  return (below) => Buffer.from(random(6)).readUIntBE(0, 6) % below;
}

/** A file of a folder that is not empty, by chance. */
export function anyFile(path: string, below: (limit: number) => number, ends?: string): string {
  const names = readdirSync(path).filter(
    (name) =>
      name !== 'LOG' && (ends === undefined || name.endsWith(ends)) && statSync(join(path, name)).size > 0,
  );
  return join(path, names[below(names.length)]!);
}
