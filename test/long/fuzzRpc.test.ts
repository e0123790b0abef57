import { afterAll, beforeAll, expect, it } from 'vitest';
import { fuzzRpc } from '../fuzz/rpc/run.js';
import { type FuzzedNode, startFuzzedNode } from '../fuzz/rpc/target.js';

const CALLS = 4_000;
/** `FUZZ_SEED=N` repeats a run; `npm run fuzz:rpc -- --seed N` makes more calls of the same. */
const SEED = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));

let node: FuzzedNode;
beforeAll(async () => {
  node = await startFuzzedNode();
});
afterAll(() => node?.close());

it('a node takes malformed calls over HTTP, WebSocket and bare sockets, answers right, and goes on', async () => {
  const { kinds, words, finding } = await fuzzRpc({ ...node, calls: CALLS, seed: SEED });
  expect(finding, `FUZZ_SEED=${SEED}`).toBeNull();
  expect(Object.values(kinds).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(CALLS);
  // What came was refused for many reasons, and some of it was right.
  for (const word of [
    'answered',
    'parse-error',
    'invalid-request',
    'invalid-params',
    'not-found',
    'not-admin',
  ])
    expect(words[word], word).toBeGreaterThan(0);
  expect(node.errors()).toEqual([]);
  expect(await node.publish()).toBe(2);
}, 600_000);
