import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { drbg, utf8ToBytes } from '../../../../crypto/index.js';
import {
  clipWhole,
  createGrid,
  decodeUpdate,
  groupByPerson,
  type LocalWork,
  type ModelSpec,
  oneStep,
  parameterCount,
  unitsIn,
  wireStep,
} from '../../../../fl/index.js';
import { sumUnit } from '../../../../fl/trainer/clip.js';
import {
  type Batch,
  gradientSum,
  startBackend,
  TrainerError,
  type TrainJob,
  trainStep,
} from '../../../../fl/trainer/index.js';
import { norm, randomBatch, recordGradient } from './reference.js';

const model: ModelSpec = {
  inputs: 3,
  layers: [
    { kind: 'dense', units: 4, activation: 'tanh' },
    { kind: 'dense', units: 1, activation: 'linear' },
  ],
};
const dimension = parameterCount(model);

/** Rows of persons 0, 1, 2, ...: so many each. */
function withPersons(seed: string, counts: readonly number[], size = 1): Batch & { persons: Int32Array } {
  const persons = Int32Array.from(counts.flatMap((count, person) => new Array<number>(count).fill(person)));
  return { ...randomBatch(seed, model, persons.length, size), persons };
}

/** By finite differences: each person's mean gradient, and the sum of these, clipped. */
function reference(batch: Batch & { persons: Int32Array }, bound: number) {
  const means: Float64Array[] = [];
  const rows: number[] = [];
  for (const [row, person] of batch.persons.entries()) {
    const x = batch.x.subarray(row * model.inputs, (row + 1) * model.inputs);
    const gradient = recordGradient(model, batch.weights, x, batch.y[row]!);
    means[person] ??= new Float64Array(dimension);
    rows[person] = (rows[person] ?? 0) + 1;
    for (let at = 0; at < dimension; at++) means[person]![at]! += gradient[at]!;
  }
  const sum = new Float64Array(dimension);
  let clipped = 0;
  for (const [person, total] of means.entries()) {
    const mean = total.map((value) => value / rows[person]!);
    const factor = Math.min(1, bound / norm(mean));
    if (factor < 1) clipped++;
    for (let at = 0; at < dimension; at++) sum[at]! += factor * mean[at]!;
  }
  return { sum, clipped, persons: means.length };
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  for (let at = 0; at < expected.length; at++)
    expect(Math.abs(actual[at]! - expected[at]!)).toBeLessThan(tolerance);
}

/** |values|² <= C² in whole numbers of sumUnit. */
function isWithin(values: ArrayLike<number>, clip16: number): boolean {
  const perUnit = 1 / sumUnit(clip16);
  const squared = Array.from(values).reduce((sum, value) => sum + BigInt(value * perUnit) ** 2n, 0n);
  return squared <= BigInt((clip16 / 65_536) * perUnit) ** 2n;
}

beforeAll(startBackend);

describe('the unit patient', () => {
  it.each([2 ** 31 - 1, 6_554])('sums each person’s mean gradient, clipped at %i/65536', (clip16) => {
    const batch = withPersons('patients', [1, 5, 2, 1, 9]);
    const expected = reference(batch, clip16 / 65_536);
    const { sum, clippedShare, signedCount } = gradientSum(batch, clip16);
    expectClose(sum, expected.sum, 1e-5);
    expect(clippedShare).toBe(expected.clipped / 5);
    expect(signedCount).toBe(5 - 2 * expected.clipped);
  });

  it('goes across the border of a pass', () => {
    const batch = withPersons('long patients', [500, 30, 600]);
    expectClose(gradientSum(batch, 6_554).sum, reference(batch, 6_554 / 65_536).sum, 1e-5);
  });

  it('lets no person contribute more than C, however many rows, in exact arithmetic', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.integer({ min: 1, max: 2 ** 31 - 1 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: -6, max: 30 }),
        (seed, clip16, rows, size) =>
          isWithin(gradientSum(withPersons(seed, [rows], 2 ** size), clip16).sum, clip16),
      ),
    );
  });

  it('zeroing a person out moves the sum by C at most and leaves the others’ part to the bit', () => {
    const batch = withPersons('adjacent', [2, 7, 3]);
    const clip16 = 3_277;
    const parts = [0, 1, 2].map((person) => {
      const rows = [...batch.persons.keys()].filter((row) => batch.persons[row] === person);
      const x = Float32Array.from(rows.flatMap((row) => [...batch.x.subarray(3 * row, 3 * row + 3)]));
      const y = Float32Array.from(rows, (row) => batch.y[row]!);
      return gradientSum({ ...batch, x, y, persons: new Int32Array(rows.length) }, clip16).sum;
    });
    const whole = gradientSum(batch, clip16).sum;
    expect(parts[0]!.map((value, at) => value + parts[1]![at]! + parts[2]![at]!)).toEqual(whole);
    for (const part of parts) expect(isWithin(part, clip16)).toBe(true);
    // Seven times the same row: as records it moves the sum by seven times C.
    const one = randomBatch('one row', model, 1);
    const repeated = { ...one, x: Float32Array.from({ length: 21 }, (_, at) => one.x[at % 3]!) };
    const y = new Float32Array(7).fill(one.y[0]!);
    expect(norm(gradientSum({ ...repeated, y }, clip16).sum)).toBeGreaterThan(6.9 * (clip16 / 65_536));
    const asOne = gradientSum({ ...repeated, y, persons: new Int32Array(7) }, clip16).sum;
    expect(isWithin(asOne, clip16)).toBe(true);
  });

  it('drops a person on whose row the model overflows, and keeps the others', () => {
    const fine = withPersons('overflow', [2, 2]);
    const weights = fine.weights.map((weight, at) => (at === 0 ? 3e38 : at === 4 ? -3e38 : weight));
    const x = fine.x.map((value, at) => (at % 3 < 2 ? 0 : value));
    const bad = Float32Array.from([...x, 0, 0, 1, 2, 2, 0]);
    const batch = { model, weights };
    const others = gradientSum({ ...batch, x, y: fine.y, persons: fine.persons }, 65_536);
    const y = Float32Array.from([...fine.y, 0, 1]);
    const all = gradientSum({ ...batch, x: bad, y, persons: Int32Array.of(0, 0, 1, 1, 2, 2) }, 65_536);
    expect(others.sum.some((value) => value !== 0)).toBe(true);
    expect(all.sum).toEqual(others.sum);
    expect(all.signedCount).toBe(others.signedCount - 1);
  });

  it.each([
    ['too few', [0, 0]],
    ['apart', [0, 1, 0]],
    ['not from 0', [1, 1, 1]],
    ['with a gap', [0, 0, 2]],
  ])('refuses persons %s', (_, persons) => {
    const batch = { ...randomBatch('three', model, 3), persons: Int32Array.from(persons) };
    expect(() => gradientSum(batch, 65_536)).toThrow(TrainerError);
  });

  it('takes local steps by the mean over persons', () => {
    const batch = withPersons('steps', [1, 4]);
    const work: LocalWork = { ...oneStep, step: 'fedavg', steps: 2, learningRate16: 32_768 };
    const grid = createGrid({ dimension, clip16: 65_536, sigma16: 0 });
    const first = gradientSum(batch, 65_536).sum;
    const weights = batch.weights.map((weight, at) => weight - 0.5 * (first[at]! / 2));
    const second = gradientSum({ ...batch, weights }, 65_536).sum;
    const { update } = trainStep({ ...batch, grid, local: { work, control: null } }, drbg(new Uint8Array(0)));
    const on = createGrid({ dimension, clip16: 2 * 65_536, sigma16: 0 });
    const sent = decodeUpdate(update, on);
    if (!sent.ok) throw new Error(sent.reason);
    const expected = first.map((value, at) => (value + second[at]!) / wireStep(on));
    expectClose(sent.wire, expected, 1.5);
  });
});

describe('the unit device', () => {
  const batch = randomBatch('device', model, 12);
  const send = (change: Partial<TrainJob>, sigma16 = 0, clip16 = 2 ** 31 - 1) => {
    const grid = createGrid({ dimension, clip16, sigma16, countSigma16: sigma16 });
    const result = trainStep({ ...batch, grid, whole: true, ...change }, drbg(utf8ToBytes('noise')));
    const sent = decodeUpdate(result.update, grid);
    if (!sent.ok) throw new Error(sent.reason);
    return { ...sent, real: Float64Array.from(sent.wire, (entry) => entry * wireStep(grid)), grid };
  };
  const sumOf = (weights: Float32Array) => gradientSum({ ...batch, weights }, 2 ** 31 - 1).sum;

  it('sends the mean gradient, clipped and noised as a whole', () => {
    const mean = sumOf(batch.weights).map((value) => value / 12);
    const clip16 = Math.round(norm(mean) * 65_536 * 2);
    const whole = send({}, 0, clip16);
    expectClose(whole.real, mean, 2 * wireStep(whole.grid));
    expect(whole.signedCount).toBe(1);
    const half = send({}, 0, Math.round(clip16 / 4));
    const scaled = mean.map((value) => value / 2);
    expectClose(half.real, scaled, 2 * wireStep(half.grid));
    expect(half.signedCount).toBe(-1);
    expect(send({}, 65_536, clip16).wire).not.toEqual(whole.wire);
  });

  it('takes plain inner steps: the update is the distance gone, over the learning rate', () => {
    const work: LocalWork = { ...oneStep, step: 'fedavg', steps: 3, learningRate16: 32_768, noise: 'once' };
    let weights = batch.weights;
    for (let step = 0; step < 3; step++) {
      const sum = sumOf(weights);
      weights = weights.map((weight, at) => weight - 0.5 * (sum[at]! / 12));
    }
    const gone = Float64Array.from(batch.weights, (weight, at) => (weight - weights[at]!) / 0.5);
    const clip16 = Math.round(norm(gone) * 65_536 * 2);
    const sent = send({ local: { work, control: null } }, 0, clip16);
    expectClose(sent.real, gone, 3 * wireStep(sent.grid));
  });

  it('sends nothing but noise where the weights leave the numbers', () => {
    const weights = batch.weights.map((weight, at) => (at === 0 ? 3e38 : at === 4 ? -3e38 : weight));
    const sent = send({ weights, x: batch.x.map(() => 2) }, 0, 65_536);
    expect([[...sent.wire], sent.signedCount]).toEqual([new Array<number>(dimension).fill(0), -1]);
  });
});

describe('clipWhole', () => {
  it('is never longer than C, in exact arithmetic', () => {
    const dyadic = (value: number): bigint => {
      let [whole, power] = [value, 0];
      while (!Number.isInteger(whole)) [whole, power] = [whole * 2, power + 1];
      return BigInt(whole) << BigInt(1_200 - power);
    };
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1e20, max: 1e20, noNaN: true }), { minLength: 1, maxLength: 9 }),
        fc.integer({ min: 1, max: 2 ** 31 - 1 }),
        (values, clip16) => {
          const { vector, clipped } = clipWhole(Float64Array.from(values), clip16);
          if (!clipped) expect([...vector]).toEqual(values);
          const squared = vector.reduce((sum, value) => sum + dyadic(value) ** 2n, 0n);
          return squared <= dyadic(clip16 / 65_536) ** 2n;
        },
      ),
    );
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 1e200])('makes zero of %d', (value) => {
    const { vector, clipped } = clipWhole(Float64Array.of(1, value), 65_536);
    expect([[...vector], clipped]).toEqual([[0, 0], true]);
  });
});

describe('whose rows', () => {
  it('lays each person’s side by side, in the order in which they first come', () => {
    const grouped = groupByPerson(Float32Array.of(1, 1, 2, 2, 3, 3, 4, 4), Float32Array.of(0, 1, 0, 1), [
      'p',
      'q',
      'p',
      'r',
    ]);
    expect([...grouped.x]).toEqual([1, 1, 3, 3, 2, 2, 4, 4]);
    expect([...grouped.y]).toEqual([0, 0, 1, 1]);
    expect([...grouped.persons!]).toEqual([0, 0, 1, 2]);
    expect(unitsIn('patient', 4, grouped.persons)).toBe(3);
    expect(unitsIn('record', 4, grouped.persons)).toBe(4);
    expect(unitsIn('device', 4, grouped.persons)).toBe(1);
  });

  it('is not known without a subject column', () => {
    const rows = { x: Float32Array.of(1), y: Float32Array.of(0) };
    expect(groupByPerson(rows.x, rows.y, null)).toEqual({ ...rows, persons: null });
    expect(unitsIn('patient', 1, null)).toBeNull();
  });
});
