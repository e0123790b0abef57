import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { payloadId, treeRoot } from '../../chain/index.js';
import { drbg, equalBytes, utf8ToBytes } from '../../crypto/index.js';
import { openStore, type Store } from '../../node/store/index.js';
import { chainId, genesisState, makeNext } from '../support/notesChain.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const writer = join(root, 'dist', 'test', 'children', 'storeWriter.js');

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'store-kill-'));
  path = join(folder, 'chain');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What a killed writer had said to be on the disk. */
interface Said {
  readonly commit: number;
  readonly record: number;
  readonly payload: number;
  readonly lines: readonly string[];
}

/** Runs the writer, kills it without warning once it has said `lines` lines, and waits for its end. */
async function runUntilKilled(lines: number): Promise<Said> {
  const child = spawn(process.execPath, [writer, path, '100000'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const said = await collect(child.stdout, (count) => {
    if (count === lines) child.kill('SIGKILL');
  });
  expect(await ended).toEqual([null, 'SIGKILL']);
  return said;
}

async function collect(output: NodeJS.ReadableStream, onLine: (count: number) => void): Promise<Said> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: output })) {
    lines.push(line);
    onLine(lines.length);
  }
  const last = (word: string): number =>
    lines.reduce((found, line) => (line.startsWith(`${word} `) ? Number(line.split(' ')[1]) : found), 0);
  return {
    commit: Math.max(last('commit'), last('opened')),
    record: last('record'),
    payload: last('payload'),
    lines,
  };
}

function open(): Promise<Store> {
  return openStore({ path, chainId, genesisState: genesisState(), create: true });
}

describe('kill -9', () => {
  it('at any moment leaves a store that opens at the last committed height and goes on', async () => {
    const seed = `${process.env.SEED ?? Date.now()}`;
    console.log(`SEED=${seed}`);
    const random = drbg(utf8ToBytes(seed));
    for (let run = 0; run < 8; run += 1) {
      const said = await runUntilKilled(1 + (random(1)[0]! % 60));
      const store = await open();
      const { height } = store.head;
      // It may have got further than it could say.
      expect(height).toBeGreaterThanOrEqual(said.commit);
      if (height > 0) expect(treeRoot(store.state())).toEqual(store.block(height)!.block.header.stateRoot);
      if (said.record > height) {
        const voted = makeNext({ ...store.head, state: store.state() }, 20).commit.hash;
        const [record] = store.records(said.record);
        expect(equalBytes(record!.value, voted)).toBe(true);
      }
      if (said.payload > 0) {
        const bytes = utf8ToBytes(`payload of ${said.payload} `.repeat(2000));
        expect(Buffer.compare(store.payload(payloadId(bytes))!, bytes)).toBe(0);
      }
      await store.commit(makeNext({ ...store.head, state: store.state() }, 20).commit);
      await store.close();
    }
  });
});

describe('a full disk', () => {
  it.each(['database', 'journal'])(
    'under the %s stops the store, and loses nothing committed',
    async (part) => {
      const args = [writer, path, '100000', part];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      const ended = once(child, 'close');
      const said = await collect(child.stdout, () => undefined);
      expect(await ended).toEqual([0, null]);
      expect(said.lines.slice(-2)).toEqual(['failed write-failed', 'again write-failed']);
      expect(said.commit).toBe(2);
      const store = await open();
      expect(store.head.height).toBe(2);
      await store.commit(makeNext({ ...store.head, state: store.state() }, 20).commit);
      await store.close();
    },
  );
});
