import { beforeAll, describe, expect, it } from 'vitest';
import { createGrid, type ModelSpec, normalDraws, parameterCount, predict } from '../../../../../fl/index.js';
import { backpropagate, type Pass } from '../../../../../fl/trainer/backpropagate.js';
import {
  clippedSum,
  type LotsJob,
  NOBODY,
  noisedLot,
  rowsOf,
  startBackend,
  TrainerError,
  trainInLots,
} from '../../../../../fl/trainer/index.js';
import { seeded, table } from '../../synthetic/jobs.js';
import { norm } from '../reference.js';

beforeAll(() => startBackend());

const inputs = 6;
const model: ModelSpec = {
  inputs,
  layers: [
    { kind: 'dense', units: 7, activation: 'relu' },
    { kind: 'dense', units: 1, activation: 'linear' },
  ],
};
const dimension = parameterCount(model);
const weights = Float32Array.from(normalDraws(dimension, seeded('weights')));
const records = table(200, 'records');
const passOf = (rows: Int32Array): Pass =>
  backpropagate({ model, weights, x: rowsOf(records.x, inputs, rows), y: rowsOf(records.y, 1, rows) });
const CLIP = 0.25;
const grid = createGrid({ dimension, clip16: CLIP * 65_536, sigma16: 65_536 });
const sumOf = (rows: readonly number[]) => clippedSum(rows, passOf, grid);
const all = Array.from({ length: 200 }, (_, row) => row);

describe('a lot', () => {
  it('sums what each record gives by itself, to the bit, wherever it stands and beside whomever', () => {
    const single = all.map((row) => sumOf([row]));
    for (const rows of [all, [...all].reverse(), all.filter((row) => row % 3 !== 1)]) {
      const wanted = new Float64Array(dimension);
      for (const row of rows) for (let at = 0; at < dimension; at++) wanted[at]! += single[row]![at]!;
      expect(sumOf(rows)).toEqual(wanted);
    }
    for (const one of single) expect(norm(one)).toBeLessThanOrEqual(CLIP);
    expect(single.some((one) => norm(one) > 0.99 * CLIP)).toBe(true);
  });

  it('counts filling for nothing', () => {
    expect(norm(sumOf([]))).toBe(0);
    expect(norm(passWith(NOBODY))).toBe(0);
  });

  function passWith(row: number): Float64Array {
    return sumOf([row]);
  }

  it('draws each record by itself, and adds noise of σ times the sensitivity', () => {
    const none = noisedLot({ records: 200, rate32: 1, grid }, passOf, seeded('none'));
    const quiet = createGrid({ dimension, clip16: CLIP * 65_536, sigma16: 0 });
    const whole = noisedLot({ records: 200, rate32: 2 ** 32, grid: quiet }, passOf, seeded('whole'));
    const half = noisedLot({ records: 200, rate32: 2 ** 31, grid: quiet }, passOf, seeded('half'));
    const deviation = norm(none) / Math.sqrt(dimension);
    expect(deviation).toBeGreaterThan(0.75 * CLIP);
    expect(deviation).toBeLessThan(1.3 * CLIP);
    for (const [at, entry] of whole.entries()) expect(entry).toBeCloseTo(sumOf(all)[at]!, 2);
    const ratio = whole.reduce((sum, entry, at) => sum + entry * half[at]!, 0) / norm(whole) ** 2;
    expect(ratio).toBeGreaterThan(0.3);
    expect(ratio).toBeLessThan(0.7);
  });
});

describe('a network trained in lots', () => {
  const job: LotsJob = {
    model,
    weights,
    ...records,
    rate32: 2 ** 30,
    lots: 10,
    clip16: 65_536,
    learningRate: 0.1,
    epsilonMicro: 8_000_000,
    deltaPico: 10_000_000,
  };

  it('learns, and spends its budget and no more', () => {
    const trained = trainInLots(job, seeded('train'));
    const right = predict(model, trained.weights, records.x).reduce(
      (sum, share, row) => sum + (share > 0.5 === (records.y[row] === 1) ? 1 : 0),
      0,
    );
    expect(right / 200).toBeGreaterThan(0.85);
    expect(trained.spent.epsilon).toBeLessThanOrEqual(8);
    expect(trained.spent.epsilon).toBeGreaterThan(7.9);
    expect(trained.release).toMatchObject({ what: 'network', rate: 0.25, rounds: 10 });
    expect(weights).not.toEqual(trained.weights);
  });

  it.each([
    ['an empty lot', { rate32: 0 }, /share of a lot/],
    ['no lots', { lots: 0 }, /0 lots/],
    ['no threshold', { clip16: 0 }, /clipping threshold/],
    ['no learning rate', { learningRate: 0 }, /learning rate/],
    [
      'a rate at which weights overflow',
      { learningRate: 1e38, lots: 30 },
      /overflowed in lot .*learning rate/,
    ],
    ['labels that are none', { y: new Float32Array(200).fill(3) }, /label/],
  ])('refuses %s', (_, more, reason) => {
    const attempt = () => trainInLots({ ...job, ...more }, seeded('train'));
    expect(attempt).toThrow(TrainerError);
    expect(attempt).toThrow(reason);
  });
});
