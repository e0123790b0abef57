import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { treeRoot } from '../../chain/index.js';
import { bytesToHex, drbg, hexToBytes, utf8ToBytes } from '../../crypto/index.js';
import { openStore } from '../../node/store/index.js';
import type { TestChain } from '../support/chain.js';
import { trainedChain } from '../support/exportedChain.js';
import { writeChain } from '../support/network.js';
import { root } from '../support/processes.js';
import { closedAt, restsOf } from '../support/prunedChain.js';
import { copyStore } from '../support/storeCopy.js';

const ROUNDS = 6;
const WINDOW = 6;

let test: TestChain;
let folder: string;
beforeAll(async () => {
  test = trainedChain(ROUNDS, { auditHeights: WINDOW });
  folder = mkdtempSync(join(tmpdir(), 'prune-kill-'));
  await writeChain(test, join(folder, 'whole'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Prunes in a process of its own, which is killed without warning once it has said `lines` lines; gives what it said. */
async function pruneUntilKilled(path: string, lines: number): Promise<readonly string[]> {
  const program = join(root, 'dist', 'test', 'children', 'storePruner.js');
  const child = spawn(process.execPath, [program, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line);
    if (said.length === lines) child.kill('SIGKILL');
  }
  const [code] = await ended;
  // It may have come to its end before the signal did.
  expect([code, said.includes('done')]).toSatisfy(([at, done]) => at === null || (at === 0 && done));
  return said;
}

it('kill -9 at any moment of pruning loses nothing that is not marked, and no mark that was said', async () => {
  const seed = `${process.env.SEED ?? Date.now()}`;
  console.log(`SEED=${seed}`);
  const random = drbg(utf8ToBytes(seed));
  const rounds = Array.from({ length: ROUNDS }, (_, i) => i + 1);
  const last = Math.max(...rounds.filter((round) => closedAt(test, round) + WINDOW <= test.tip.height));
  const due = restsOf(test, last);
  const { chainId, tip } = test.chain;
  const announced = test.blocks.flatMap(({ block }) =>
    block.transactions.flatMap(({ payloads }) => payloads),
  );
  let killed = 0;
  for (let run = 0; run < 4; run += 1) {
    const path = join(folder, `run-${run}`);
    copyStore(join(folder, 'whole'), path);
    const said = await pruneUntilKilled(path, 2 + (random(1)[0]! % due.size));
    if (!said.includes('done')) killed += 1;
    const store = await openStore({ path, chainId, genesisState: tip.state, create: false });
    expect(treeRoot(store.state())).toEqual(treeRoot(test.tip.state));
    const told = said.filter((line) => line.startsWith('pruned ')).map((line) => line.slice(7));
    expect(told.filter((id) => store.hasPayload(hexToBytes(id)))).toEqual([]);
    for (const ref of announced) {
      const isHeld = store.payload(ref.id) !== null;
      expect([isHeld, store.isPruned(ref)]).toEqual([isHeld, !isHeld]);
      if (!isHeld) expect(due.has(bytesToHex(ref.id))).toBe(true);
    }
    await store.close();
    // Whoever goes on comes to the same end.
    expect((await pruneUntilKilled(path, Infinity)).at(-1)).toBe('done');
    const end = await openStore({ path, chainId, genesisState: tip.state, create: false });
    const left = announced.filter(({ id }) => end.hasPayload(id)).map(({ id }) => bytesToHex(id));
    expect(left).toEqual(announced.map(({ id }) => bytesToHex(id)).filter((id) => !due.has(id)));
    await end.close();
  }
  expect(killed).toBeGreaterThan(0);
});
