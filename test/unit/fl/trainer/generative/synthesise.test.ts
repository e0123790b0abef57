import { beforeAll, describe, expect, it } from 'vitest';
import { conform, encodedWidth, placesOf, tightestEpsilon } from '../../../../../fl/index.js';
import { signalOf } from '../../../../../fl/trainer/generative/signal.js';
import {
  type GanSettings,
  ganSettings,
  startBackend,
  synthesise,
  synthesiseGan,
  TrainerError,
  trainGan,
} from '../../../../../fl/trainer/index.js';
import { jobOf, meanOf, schema, seeded, table } from '../../synthetic/jobs.js';

beforeAll(() => startBackend());

const width = encodedWidth(schema);
const small: GanSettings = {
  ...ganSettings,
  latent: 4,
  filters: 4,
  rate32: 2 ** 31,
  lots: 4,
  fakes: 64,
};

describe('rows as signals', () => {
  it('lie in -1 .. 1 and come back, numbers beyond 3 as 3', () => {
    const { toSignal, fromSignal, length } = signalOf(schema, 4);
    const { x } = table(40, 'rows');
    const signal = toSignal(x);
    expect(length).toBe(8);
    expect(signal.every((value) => Math.abs(value) <= 1)).toBe(true);
    for (const [at, value] of fromSignal(signal).entries())
      expect(value).toBeCloseTo(Math.max(-3, Math.min(3, x[at]!)), 5);
  });
});

describe('the DCGAN', () => {
  it('makes rows of the schema and spends no more than the budget, counts included', () => {
    const job = jobOf(120, { rows: 90 });
    const { synthesis } = synthesiseGan(job, small, seeded('gan'));
    const { records, spent, releases } = synthesis;
    const kept = records.x.slice();
    conform(kept, placesOf(schema), width);
    expect(kept).toEqual(records.x);
    expect(records.y).toHaveLength(90);
    const [counts, lots] = releases;
    expect(lots).toMatchObject({ rate: 0.5, rounds: 4 });
    const ofCounts = tightestEpsilon(counts!, 10_000_000 / 32 / 1e12).epsilon;
    const ofLots = tightestEpsilon(lots!, (10_000_000 * 31) / 32 / 1e12).epsilon;
    expect(spent.epsilon).toBeCloseTo(ofCounts + ofLots, 5);
    expect(spent.epsilon).toBeLessThanOrEqual(8);
    expect(spent.epsilon).toBeGreaterThan(7.8);
    expect(spent.delta).toBeLessThanOrEqual(1e-5);
  });

  it('learns which class is higher', () => {
    const settings = { ...small, rate32: 2 ** 32, lots: 100, filters: 8, learningRate: 0.01 };
    const records = table(60, 'records');
    const gan = trainGan({ schema, ...records }, Float64Array.from([40, 20]), settings, 0, seeded('gan'));
    const labels = Float32Array.from({ length: 200 }, (_, row) => row % 2);
    const x = gan.generate(labels, seeded('rows'));
    conform(x, placesOf(schema), width);
    expect(meanOf(x, labels, 0, 1)).toBeGreaterThan(meanOf(x, labels, 0, 0) + 0.5);
    expect(gan.judge(records.x, records.y)).toHaveLength(60);
  });
});

describe('synthesise', () => {
  it('names its generators and refuses what is no job', () => {
    const job = jobOf(60, { rows: 5 });
    expect(synthesise('gaussian', job, seeded('a')).records.y).toHaveLength(5);
    const attempt = () => synthesise('gan', { ...job, rows: 0 }, seeded('a'));
    expect(attempt).toThrow(TrainerError);
    expect(attempt).toThrow(/make 1 to/);
  });
});
