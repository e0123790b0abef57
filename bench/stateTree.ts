import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  applyChanges,
  emptyTree,
  encode,
  proveState,
  type StateTree,
  StateVersions,
  stateProofCodec,
  treeGet,
  treeRoot,
  verifyStateProof,
} from '../chain/index.js';
import { median, type Row } from './row.js';
import { keyOf, valueFrom } from './stateEntries.js';

const ENTRIES = 50_000;
const TRANSACTIONS = 512;
const BLOCKS = 100;

/**
 * What the state costs: time of a block's writes, memory, proofs.
 *
 * Times are of the processor (`process.cpuUsage`, the collector's threads included), so that other work on the machine
 * shows as little as it can. Options: --versions N (1,000), --writes N a version (64).
 */
export function stateTree(args: readonly string[]): readonly Row[] {
  const option = (name: string, otherwise: number): number =>
    args.includes(name) ? Number(args[args.indexOf(name) + 1]) : otherwise;
  const collect = collector();
  const { tree, bytes } = build(collect);
  return [
    ...blockRows(tree),
    row('memory of an entry', bytes, 'bytes', 'with a key of 80 characters and a value of 24 bytes'),
    ...proofRows(tree),
    versionRow(tree, collect, option('--versions', 1_000), option('--writes', 64)),
  ];
}

/** Sizes of proofs over a state of that many entries, and what making and checking them costs. */
export function stateProofs(): readonly Row[] {
  return proofRows(build(collector()).tree);
}

function build(collect: () => number): { tree: StateTree; bytes: number } {
  const before = collect();
  let entries: Map<string, Uint8Array> | null = new Map(
    Array.from({ length: ENTRIES }, (_, i) => [keyOf(i), valueFrom(i)]),
  );
  const tree = applyChanges(emptyTree, entries);
  treeRoot(tree);
  entries = null;
  return { tree, bytes: (collect() - before) / ENTRIES };
}

/** `count` writes: half to entries that are there, half new ones where `fresh` says so. */
function writes(block: number, count: number, fresh: boolean): Map<string, Uint8Array> {
  const changes = new Map<string, Uint8Array>();
  for (let i = 0; i < count; i += 1) {
    const isNew = fresh && i % 2 === 1;
    const index = isNew ? ENTRIES + block * count + i : (block * 7_919 + i * 97) % ENTRIES;
    changes.set(keyOf(index), valueFrom(block + i));
  }
  return changes;
}

function blockRows(start: StateTree): Row[] {
  let tree = start;
  const micros: number[] = [];
  const reads: number[] = [];
  for (let block = 0; block < BLOCKS; block += 1) {
    const changes = writes(block, 2 * TRANSACTIONS, true);
    // As execution does, which reads before it writes.
    reads.push(cpuMicros(() => [...changes.keys()].forEach((key) => void treeGet(tree, key))) / changes.size);
    const applied = cpuMicros(() => {
      tree = applyChanges(tree, changes);
      treeRoot(tree);
    });
    micros.push(applied / TRANSACTIONS);
  }
  const value = median(micros);
  const spread = `best block ${Math.min(...micros).toFixed(1)}`;
  return [
    {
      name: `writes and root of ${TRANSACTIONS} transactions, 2 keys each, over ${ENTRIES} entries`,
      value,
      unit: 'µs CPU a transaction',
      goal: '<= 20',
      met: value <= 20,
      reference: spread,
    },
    row('read', median(reads), 'µs CPU', null),
  ];
}

function proofRows(tree: StateTree): Row[] {
  const root = treeRoot(tree);
  const sizes = { there: [] as number[], absent: [] as number[] };
  const proving: number[] = [];
  const checking: number[] = [];
  for (let i = 0; i < 2_000; i += 1) {
    const key = keyOf(i % 2 === 0 ? i * 23 : ENTRIES + i);
    const value = treeGet(tree, key);
    let proof = proveState(tree, key);
    proving.push(cpuMicros(() => (proof = proveState(tree, key))));
    checking.push(
      cpuMicros(() => {
        if (!verifyStateProof({ root, key, value, proof })) throw new Error(`no proof of ${key}`);
      }),
    );
    (value === null ? sizes.absent : sizes.there).push(encode(stateProofCodec, proof).length);
  }
  return [
    row(
      'proof that a key has its value',
      median(sizes.there),
      'bytes',
      `longest ${Math.max(...sizes.there)}`,
    ),
    row('proof that a key has none', median(sizes.absent), 'bytes', `longest ${Math.max(...sizes.absent)}`),
    row('making a proof', median(proving), 'µs CPU', null),
    row('checking a proof', median(checking), 'µs CPU', null),
  ];
}

/** What it takes to keep versions. How long the loop stands still meanwhile: `npm run bench -- state-pauses`. */
function versionRow(start: StateTree, collect: () => number, count: number, perVersion: number): Row {
  let versions = new StateVersions({ height: 0, tree: start });
  for (let height = 1; height <= count; height += 1) {
    const changes = writes(height, perVersion, false);
    const tree = applyChanges(versions.head, changes);
    treeRoot(tree);
    versions.add({ height, tree, writes: changes.size });
  }
  const { first, last } = versions.held;
  const kept = collect();
  versions = new StateVersions({ height: last, tree: versions.head });
  const bytes = (kept - collect()) / ((last - first) * perVersion);
  const held = `${count} versions of ${perVersion} writes, the last ${last - first + 1} kept`;
  return row('memory of a kept write', bytes, 'bytes', held);
}

function cpuMicros(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** Collects garbage and tells how many bytes are left. */
function collector(): () => number {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  return () => {
    gc();
    return process.memoryUsage().heapUsed;
  };
}

function row(name: string, value: number, unit: string, reference: string | null): Row {
  return { name, value, unit, goal: null, met: null, reference };
}
