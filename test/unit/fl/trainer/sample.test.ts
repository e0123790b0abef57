import { beforeAll, describe, expect, it } from 'vitest';
import { drbg, utf8ToBytes } from '../../../../crypto/index.js';
import {
  commonControl,
  createGrid,
  decodeUpdate,
  directionScale,
  gradients32Of,
  type LocalWork,
  type ModelSpec,
  oneStep,
  ownControl,
  RATE_ALL,
  wireStep,
} from '../../../../fl/index.js';
import { drawSample, gradientSum, startBackend, trainStep } from '../../../../fl/trainer/index.js';
import { randomBatch } from './reference.js';

const model: ModelSpec = { inputs: 3, layers: [{ kind: 'dense', units: 1, activation: 'linear' }] };
const quarter: LocalWork = { ...oneStep, rate32: RATE_ALL / 4 };

beforeAll(startBackend);

describe('drawSample', () => {
  it('draws each unit with its probability, on its own, from the given source', () => {
    const random = drbg(utf8ToBytes('sample'));
    const draws = Array.from({ length: 8 }, () => drawSample(10_000, RATE_ALL / 4, random)!);
    for (const draw of draws) {
      // Binomial: mean 2500, deviation 43; six of them.
      const size = draw.reduce((sum, one) => sum + one, 0);
      expect(Math.abs(size - 2_500)).toBeLessThan(260);
    }
    const both = draws[0]!.reduce((sum, one, unit) => sum + one * draws[1]![unit]!, 0);
    expect(Math.abs(both - 625)).toBeLessThan(6 * 25);
    const next = draws[0]!.reduce((sum, one, unit) => sum + one * (draws[0]![unit + 1] ?? 0), 0);
    expect(Math.abs(next - 625)).toBeLessThan(6 * 30);
  });

  it('draws all at rate 1, and next to none at the least', () => {
    const random = drbg(utf8ToBytes('sample'));
    expect(drawSample(5, RATE_ALL, random)).toBeNull();
    expect(drawSample(1_000, 1, random)!.some((one) => one === 1)).toBe(false);
    const most = drawSample(1_000, RATE_ALL - 1, random)!;
    expect(most.every((one) => one === 1)).toBe(true);
  });

  it('draws a unit whose number is below the rate, and none whose number is the rate', () => {
    const numbers = Uint8Array.of(0, 0, 0, 6, 0, 0, 0, 7, 0, 0, 0, 8);
    expect([...drawSample(3, 7, () => numbers)!]).toEqual([1, 0, 0]);
  });
});

describe('a step over drawn units', () => {
  it.each([
    ['records', undefined],
    ['persons', Int32Array.from({ length: 1_200 }, (_, row) => Math.floor(row / 2))],
  ] as const)('is the sum of those that were drawn, to the bit: %s', (_, persons) => {
    const batch = { ...randomBatch('drawn', model, 1_200), ...(persons !== undefined && { persons }) };
    const units = persons === undefined ? 1_200 : 600;
    const sample = drawSample(units, RATE_ALL / 4, drbg(utf8ToBytes('who')))!;
    const rows = [...batch.y.keys()].filter((row) => sample[persons?.[row] ?? row] === 1);
    const chosen = {
      ...batch,
      x: Float32Array.from(rows.flatMap((row) => [...batch.x.subarray(3 * row, 3 * row + 3)])),
      y: Float32Array.from(rows, (row) => batch.y[row]!),
      ...(persons !== undefined && { persons: Int32Array.from(rows.keys(), (at) => Math.floor(at / 2)) }),
    };
    const [drawn, alone] = [gradientSum(batch, 32_768, null, sample), gradientSum(chosen, 32_768)];
    expect(drawn.sum).toEqual(alone.sum);
    expect([drawn.clippedShare, drawn.signedCount]).toEqual([alone.clippedShare, alone.signedCount]);
    expect(drawn.sum).not.toEqual(gradientSum(batch, 32_768).sum);
    const none = gradientSum(batch, 32_768, null, new Uint8Array(units));
    expect([none.sum.every((value) => value === 0), none.signedCount, none.clippedShare]).toEqual([
      true,
      0,
      0,
    ]);
  });

  it('draws anew in each step, and divides by the public number, never by how many were drawn', () => {
    const batch = randomBatch('steps', model, 400);
    const work: LocalWork = { ...quarter, step: 'fedavg', steps: 2, learningRate16: 65_536 };
    const grid = createGrid({ dimension: 4, clip16: 65_536, sigma16: 0 });
    const random = drbg(utf8ToBytes('seed'));
    const first = gradientSum(batch, 65_536, null, drawSample(400, work.rate32, random)).sum;
    const weights = batch.weights.map((weight, at) => weight - first[at]! / 100);
    const sample = drawSample(400, work.rate32, random);
    const second = gradientSum({ ...batch, weights }, 65_536, null, sample).sum;
    const job = { ...batch, grid, local: { work, control: null } };
    const sent = decodeUpdate(trainStep(job, drbg(utf8ToBytes('seed'))).update, grid);
    if (!sent.ok) throw new Error(sent.reason);
    const step = wireStep(createGrid({ dimension: 4, clip16: 2 * 65_536, sigma16: 0 }));
    for (const [at, entry] of sent.wire.entries())
      expect(Math.abs(entry * step - (first[at]! + second[at]!))).toBeLessThan(2 * step);
  });

  it('counts for as much as if all were drawn: what is known of the rate is taken off again', () => {
    expect(directionScale(quarter)).toBe(4);
    expect(directionScale({ ...quarter, step: 'fedavg', steps: 3, learningRate16: 32_768 })).toBe(2);
    expect(gradients32Of({ ...quarter, step: 'fedavg', steps: 3 })).toBe(3 * 2 ** 30);
    const grid = createGrid({ dimension: 1, clip16: 65_536, sigma16: 0 });
    const [all, some] = [oneStep, quarter].map(
      (work) => ownControl(Int32Array.of(1_024), 10, grid, work)[0]!,
    );
    expect(some).toBe(4 * all!);
    const direction = Float32Array.of(5, -10);
    expect([...commonControl(direction, quarter)]).toEqual([20, -40]);
    expect([...commonControl(direction, oneStep)]).toEqual([5, -10]);
  });
});
