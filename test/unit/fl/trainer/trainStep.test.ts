import { beforeAll, describe, expect, it } from 'vitest';
import { drbg, utf8ToBytes } from '../../../../crypto/index.js';
import {
  createGrid,
  decodeUpdate,
  fineStep,
  type Grid,
  type ModelSpec,
  oneStep,
  wireStep,
} from '../../../../fl/index.js';
import {
  gradientSum,
  osRandom,
  startBackend,
  type TrainJob,
  trainStep,
} from '../../../../fl/trainer/index.js';
import { randomBatch } from './reference.js';

const model: ModelSpec = {
  inputs: 30,
  layers: [
    { kind: 'dense', units: 32, activation: 'relu' },
    { kind: 'dense', units: 1, activation: 'linear' },
  ],
};
const dimension = 30 * 32 + 32 + 33;
const batch = randomBatch('step', model, 27);

function decoded(update: Uint8Array, grid: Grid): number[] {
  const result = decodeUpdate(update, grid);
  if (!result.ok) throw new Error(result.reason);
  return [...result.wire].map((entry) => entry * wireStep(grid));
}

beforeAll(startBackend);

describe('trainStep', () => {
  it('sends the clipped sum, rounded to the lattice, where no noise is asked for', () => {
    const grid = createGrid({ dimension, clip16: 65_536, sigma16: 0 });
    const { update, loss, clippedShare } = trainStep({ ...batch, grid }, drbg(new Uint8Array(0)));
    const plain = gradientSum(batch, grid.clip16);
    for (const [index, value] of decoded(update, grid).entries())
      expect(Math.abs(value - plain.sum[index]!)).toBeLessThanOrEqual(wireStep(grid) / 2);
    expect([loss, clippedShare]).toEqual([plain.loss, plain.clippedShare]);
  });

  it('adds noise of the deviation that the grid declares, from the given source', () => {
    const grid = createGrid({ dimension, clip16: 65_536, sigma16: 4 * 65_536 });
    const send = (seed: string) => trainStep({ ...batch, grid }, drbg(utf8ToBytes(seed))).update;
    const plain = gradientSum(batch, grid.clip16).sum;
    const noise = decoded(send('a'), grid).map((value, index) => value - plain[index]!);
    const variance = (4 * grid.sensitivity * fineStep(grid)) ** 2 + wireStep(grid) ** 2 / 12;
    const energy = noise.reduce((sum, value) => sum + value * value, 0) / variance;
    // χ² with 1025 degrees: mean 1025, deviation 45; five deviations either way.
    expect(Math.abs(energy - dimension)).toBeLessThan(5 * Math.sqrt(2 * dimension));
    expect(send('a')).toEqual(send('a'));
    expect(send('b')).not.toEqual(send('a'));
  });

  it('counts the units that it did not clip, less those that it did, with noise of their own', () => {
    const bare = createGrid({ dimension, clip16: 65_536, sigma16: 0, countSigma16: 0 });
    const countOf = (on: Grid, seed: string, local?: TrainJob['local']) => {
      const job = { ...batch, grid: on, ...(local !== undefined && { local }) };
      const result = decodeUpdate(trainStep(job, drbg(utf8ToBytes(seed))).update, on);
      if (!result.ok) throw new Error(result.reason);
      return result.signedCount!;
    };
    const { clippedShare, signedCount } = gradientSum(batch, bare.clip16);
    expect(clippedShare).toBeGreaterThan(0);
    expect(clippedShare).toBeLessThan(1);
    expect(signedCount).toBe(27 - 2 * Math.round(27 * clippedShare));
    expect(countOf(bare, 'a')).toBe(signedCount);
    const noisy = { ...bare, countSigma16: 20 * 65_536 };
    const draws = Array.from({ length: 40 }, (_, i) => countOf(noisy, `${i}`) - signedCount);
    const energy = draws.reduce((sum, draw) => sum + draw * draw, 0) / 400;
    // χ² with 40 degrees: mean 40, deviation 9.
    expect(Math.abs(energy - 40)).toBeLessThan(45);
    expect(new Set(draws).size).toBeGreaterThan(10);
    // Of several steps the first is asked.
    const work = { ...oneStep, step: 'fedavg', steps: 1 } as const;
    expect(countOf(bare, 'a', { work, control: null })).toBe(signedCount);
  });

  it('refuses a grid that is for another model', () => {
    const grid = createGrid({ dimension: dimension + 1, clip16: 65_536, sigma16: 0 });
    expect(() => trainStep({ ...batch, grid }, drbg(new Uint8Array(0)))).toThrow(
      expect.objectContaining({ code: 'bad-job' }),
    );
  });
});

describe('osRandom', () => {
  it('gives as many bytes as asked for, across its blocks, and none of them twice', () => {
    const random = osRandom();
    const seen = new Set<string>();
    let draws = 0;
    for (const bytes of [16, 1000, 16_384, 16_385, 40_000, 8, 15_000, 15_000, 0]) {
      const drawn = random(bytes);
      expect(drawn.length).toBe(bytes);
      for (let at = 0; at + 8 <= bytes; at += 8) {
        seen.add(Buffer.from(drawn.subarray(at, at + 8)).toString('hex'));
        draws++;
      }
    }
    expect(seen.size).toBe(draws); // two equal among 13,000 draws of 64 bits: chance 5e-12
  });
});
