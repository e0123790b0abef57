import { beforeAll, describe, expect, it } from 'vitest';
import type { ModelSpec } from '../../../../fl/index.js';
import { DESCEND_STEPS_MAX, type DescendJob, descend, startBackend } from '../../../../fl/trainer/index.js';
import { randomBatch, recordGradient } from './reference.js';

const model: ModelSpec = {
  inputs: 3,
  layers: [
    { kind: 'dense', units: 2, activation: 'tanh' },
    { kind: 'dense', units: 1, activation: 'linear' },
  ],
};
const job: DescendJob = { ...randomBatch('descend', model, 9), learningRate: 0.5, steps: 10 };

beforeAll(startBackend);

describe('descend', () => {
  it('follows the mean gradient, step by step', () => {
    let weights = Float64Array.from(job.weights);
    for (let step = 0; step < job.steps; step++) {
      const sum = new Float64Array(weights.length);
      for (const [index, y] of job.y.entries()) {
        const gradient = recordGradient(model, weights, job.x.subarray(3 * index, 3 * index + 3), y);
        for (const [at, value] of gradient.entries()) sum[at]! += value;
      }
      weights = weights.map((weight, at) => weight - (0.5 * sum[at]!) / 9);
    }
    const given = job.weights.slice();
    const found = descend(job);
    for (const [at, weight] of found.entries()) expect(Math.abs(weight - weights[at]!)).toBeLessThan(1e-5);
    expect(job.weights).toEqual(given);
    expect(descend(job)).toEqual(found);
  });

  it('returns the weights themselves after no step, as a copy', () => {
    const found = descend({ ...job, steps: 0 });
    expect(found).toEqual(job.weights);
    expect(found).not.toBe(job.weights);
  });

  it.each<[string, Partial<DescendJob>, string]>([
    ['no learning rate', { learningRate: 0 }, 'bad-job'],
    ['a rate that is not a number', { learningRate: Number.NaN }, 'bad-job'],
    ['half a step', { steps: 0.5 }, 'bad-job'],
    ['too many steps', { steps: DESCEND_STEPS_MAX + 1 }, 'bad-job'],
    ['input that is not a number', { x: new Float32Array(27).fill(Number.NaN) }, 'not-finite'],
    ['a rate at which the weights overflow', { learningRate: 1e39 }, 'not-finite'],
  ])('refuses %s', (_, change, code) => {
    expect(() => descend({ ...job, ...change })).toThrow(expect.objectContaining({ code }));
  });
});
