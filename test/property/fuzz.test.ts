import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DecodeError, decode, encode, integer, struct } from '../../chain/index.js';
import { mutate } from '../fuzz/mutate.js';
import { fuzz, type Taken, type Target } from '../fuzz/run.js';
import { createTargets } from '../fuzz/targets.js';
import { Random } from '../sim/random.js';
import { createTestChain, playRound, startTask, taskSpec } from '../support/chain.js';
import { type ServedNode, serveNode } from '../support/servedNode.js';

const INPUTS = 50_000;
/** `FUZZ_SEED=N` repeats a run; `npm run fuzz -- --seed N` goes through the same inputs, and on. */
const SEED = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 32));

let folder: string;
let node: ServedNode;
let targets: readonly Target[];
/** Calls that transactions of the played chain make. */
let sent: ReadonlySet<string>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'consilium-fuzz-'));
  const test = createTestChain();
  startTask(test, taskSpec());
  playRound(test);
  sent = new Set(
    test.blocks.flatMap(({ block }) =>
      block.transactions.map(({ contract, method }) => `call ${contract}.${method}`),
    ),
  );
  node = await serveNode(test);
  targets = await createTargets(node.context, folder);
}, 120_000);
afterAll(async () => {
  await node.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('every decoder', () => {
  it('takes any bytes: accepts what it writes the same again, refuses the rest as it promises', async () => {
    const { counts, finding } = await fuzz(targets, INPUTS, SEED);
    expect(finding, `FUZZ_SEED=${SEED}`).toBeNull();
    expect(counts.reduce((sum, { inputs }) => sum + inputs, 0)).toBe(INPUTS);
  }, 240_000);

  it('has valid encodings to begin with', async () => {
    expect(sent.size).toBeGreaterThan(1);
    for (const { name, corpus, take } of targets) {
      expect([name, corpus.length > 0]).toEqual([name, true]);
      if (
        name.startsWith('call ') ||
        ['follow', 'begin', 'included', 'state', 'chunk response', 'RPC body'].includes(name)
      ) {
        const taken = await Promise.all(corpus.map((raw) => take(raw.slice())));
        if (!name.startsWith('call ') || sent.has(name))
          expect([name, taken.some((each) => each !== 'refused')]).toEqual([name, true]);
        continue;
      }
      for (const raw of corpus) expect([name, await take(raw.slice())]).not.toEqual([name, 'refused']);
    }
  });
});

/** The search itself finds what is there to find. */
describe('the search', () => {
  const codec = struct({ a: integer(0, 100), b: integer(0, 100) });
  const corpus = [encode(codec, { a: 1, b: 2 })];
  const target = (take: Target['take']): Target => ({ name: 'broken', weight: 1, corpus, take });
  const kindOf = async (take: Target['take']) => (await fuzz([target(take)], 5_000, 7)).finding?.kind ?? null;
  const read = (raw: Uint8Array) => {
    try {
      return decode(codec, raw, 100);
    } catch (error) {
      if (error instanceof DecodeError) return null;
      throw error;
    }
  };

  it('finds a crash, an encoding that is not what was read, and memory that one input takes', async () => {
    const crashing = (raw: Uint8Array): Taken => {
      if ((read(raw)?.a ?? 0) > 10) throw new TypeError('a bug');
      return 'refused';
    };
    expect(await kindOf(crashing)).toBe('crash');
    expect(
      await kindOf((raw) => {
        const value = read(raw);
        return value === null ? 'refused' : encode(codec, { ...value, b: 2 });
      }),
    ).toBe('round-trip');
    let kept: Uint8Array | null = null;
    expect(
      await kindOf((raw) => {
        if ((read(raw)?.b ?? 0) === 3) kept = new Uint8Array(200 * 1024 * 1024).fill(1);
        return kept === null ? 'refused' : 'accepted';
      }),
    ).toBe('memory');
    kept = null;
  });

  it('gives the same inputs for the same seed', () => {
    const inputs = (seed: number) => {
      const random = new Random(seed);
      return Array.from({ length: 50 }, () => Buffer.from(mutate(corpus, random)).toString('hex'));
    };
    expect(inputs(3)).toEqual(inputs(3));
    expect(inputs(3)).not.toEqual(inputs(4));
  });
});
