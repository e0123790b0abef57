import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { drbg, utf8ToBytes } from '../../../../crypto/index.js';
import type { ModelSpec } from '../../../../fl/index.js';
import { backpropagate } from '../../../../fl/trainer/backpropagate.js';
import { addWeighted, clipFactors, sumUnit } from '../../../../fl/trainer/clip.js';
import {
  type Batch,
  gradientSum,
  RECORDS_MAX,
  startBackend,
  TrainerError,
} from '../../../../fl/trainer/index.js';
import type { GradientPart } from '../../../../fl/trainer/layers/index.js';
import { norm, randomBatch, recordGradient, recordLoss } from './reference.js';

const logistic: ModelSpec = { inputs: 8, layers: [{ kind: 'dense', units: 1, activation: 'linear' }] };
const NEVER_CLIPS = 2 ** 31 - 1;

function deep(activation: 'linear' | 'relu' | 'tanh' | 'sigmoid'): ModelSpec {
  return {
    inputs: 3,
    layers: [
      { kind: 'dense', units: 4, activation },
      { kind: 'dense', units: 5, activation: 'tanh' },
      { kind: 'dense', units: 1, activation: 'linear' },
    ],
  };
}

/** Every kind of layer in one small network that tells three classes apart; `tanh` keeps its slopes smooth. */
function pictures(pool: 'max' | 'mean', padding: 'same' | 'valid' = 'same'): ModelSpec {
  const side = padding === 'same' ? 4 : 6;
  return {
    inputs: side * side * 2,
    layers: [
      { kind: 'reshape', height: side, width: side, channels: 2 },
      { kind: 'conv2d', filters: 4, size: 3, padding, activation: 'tanh' },
      { kind: 'groupNorm', groups: 2 },
      { kind: 'conv2d', filters: 2, size: 3, padding: 'same', activation: 'sigmoid' },
      { kind: 'pool2d', pool, size: 2 },
      { kind: 'flatten' },
      { kind: 'dropout', rate16: 32_768 },
      { kind: 'dense', units: 5, activation: 'tanh' },
      { kind: 'groupNorm', groups: 1 },
      { kind: 'dense', units: 3, activation: 'linear' },
    ],
  };
}

/** A maximum of what other layers made than a convolution: of a norm, of a maximum, of what is dropped or only reread. */
function maxima(before: ModelSpec['layers']): ModelSpec {
  return {
    inputs: 8 * 8 * 2,
    layers: [
      { kind: 'reshape', height: 8, width: 8, channels: 2 },
      { kind: 'conv2d', filters: 3, size: 3, padding: 'same', activation: 'tanh' },
      ...before,
      { kind: 'pool2d', pool: 'max', size: 2 },
      { kind: 'flatten' },
      { kind: 'dense', units: 3, activation: 'linear' },
    ],
  };
}

function row(batch: Batch, index: number): Float32Array {
  return batch.x.subarray(index * batch.model.inputs, (index + 1) * batch.model.inputs);
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  for (let index = 0; index < actual.length; index++)
    expect(Math.abs(actual[index]! - expected[index]!)).toBeLessThan(tolerance);
}

/** The reference: sum over records of gradient · min(1, C / length). */
function clippedReference(batch: Batch, bound: number): { sum: Float64Array; clipped: number; loss: number } {
  const sum = new Float64Array(batch.weights.length);
  let [clipped, loss] = [0, 0];
  for (const [index, y] of batch.y.entries()) {
    const gradient = recordGradient(batch.model, batch.weights, row(batch, index), y);
    const factor = Math.min(1, bound / norm(gradient));
    if (factor < 1) clipped++;
    for (const [at, value] of gradient.entries()) sum[at]! += factor * value;
    loss += recordLoss(batch.model, batch.weights, row(batch, index), y);
  }
  return { sum, clipped, loss };
}

beforeAll(startBackend);

describe('gradientSum', () => {
  it.each<[string, ModelSpec]>([
    ['logistic regression', logistic],
    ['linear', deep('linear')],
    ['relu', deep('relu')],
    ['tanh', deep('tanh')],
    ['sigmoid', deep('sigmoid')],
    ['every kind of layer', pictures('max')],
    ['means, and only whole windows', pictures('mean', 'valid')],
    ['a maximum of a norm', maxima([{ kind: 'groupNorm', groups: 1 }])],
    ['a maximum of a maximum', maxima([{ kind: 'pool2d', pool: 'max', size: 2 }])],
    ['a maximum of a mean', maxima([{ kind: 'pool2d', pool: 'mean', size: 2 }])],
    [
      'a maximum of a dense layer',
      {
        inputs: 4,
        layers: [
          { kind: 'dense', units: 12, activation: 'tanh' },
          { kind: 'reshape', height: 2, width: 2, channels: 3 },
          { kind: 'pool2d', pool: 'max', size: 2 },
          { kind: 'flatten' },
          { kind: 'dense', units: 3, activation: 'linear' },
        ],
      },
    ],
    ['a maximum of what may be dropped', maxima([{ kind: 'dropout', rate16: 0 }])],
    ['softmax regression', { inputs: 4, layers: [{ kind: 'dense', units: 3, activation: 'linear' }] }],
  ])('is the gradient by finite differences when nothing is clipped: %s', (name, model) => {
    const batch = randomBatch(name, model, 7);
    const reference = clippedReference(batch, Number.POSITIVE_INFINITY);
    const { sum, loss, clippedShare } = gradientSum(batch, NEVER_CLIPS);
    expectClose(sum, reference.sum, 1e-5);
    expect(loss).toBeCloseTo(reference.loss / 7, 5);
    expect(clippedShare).toBe(0);
  });

  it('weighs a record by its class before it clips', () => {
    const batch = randomBatch('weights', deep('tanh'), 20);
    const plain = [0, 1].map((label) => {
      const rows = [...batch.y.keys()].filter((index) => batch.y[index] === label);
      const x = Float32Array.from(rows.flatMap((index) => [...row(batch, index)]));
      return gradientSum({ ...batch, x, y: Float32Array.from(rows, () => label) }, NEVER_CLIPS).sum;
    });
    const weighted = gradientSum({ ...batch, classWeights: [0.5, 3] }, NEVER_CLIPS);
    expectClose(
      weighted.sum,
      plain[0]!.map((value, index) => 0.5 * value + 3 * plain[1]![index]!),
      1e-5,
    );
    // A weight moves a record that is clipped anyway only up to the bound.
    const one = { ...batch, x: row(batch, 0), y: batch.y.slice(0, 1) };
    const heavy = gradientSum({ ...one, classWeights: [64, 64] }, 655);
    expect(norm(heavy.sum)).toBeLessThanOrEqual(655 / 65_536);
    expect(norm(heavy.sum)).toBeGreaterThan(0.99 * (655 / 65_536));
    for (const classWeights of [[1], [1, 0], [1, Number.NaN], [1, 1, 1]])
      expect(() => gradientSum({ ...batch, classWeights }, 65_536)).toThrow(TrainerError);
  });

  it.each<[string, ModelSpec]>([
    ['logistic regression', logistic],
    ['a deep net', deep('relu')],
    ['every kind of layer', pictures('max')],
  ])('clips each record by its own length: %s', (name, model) => {
    const batch = randomBatch(name, model, 20, 2);
    const lengths = [...batch.y].map((y, i) => norm(recordGradient(model, batch.weights, row(batch, i), y)));
    const bound16 = Math.round([...lengths].sort((a, b) => a - b)[10]! * 65_536) - 1; // about half are longer
    const reference = clippedReference(batch, bound16 / 65_536);
    const { sum, clippedShare } = gradientSum(batch, bound16);
    expectClose(sum, reference.sum, 1e-5);
    expect(reference.clipped).toBe(10);
    expect(clippedShare).toBe(0.5);
  });

  it('sums more records than one pass holds', () => {
    const batch = randomBatch('long', logistic, 1100);
    const reference = clippedReference(batch, 0.5);
    const { sum, loss, clippedShare } = gradientSum(batch, 32_768);
    expectClose(sum, reference.sum, 1e-4);
    expect(loss).toBeCloseTo(reference.loss / 1100, 5);
    expect(clippedShare).toBe(reference.clipped / 1100);
  });

  it('lets no record contribute more than C, in exact arithmetic', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.integer({ min: 1, max: NEVER_CLIPS }),
        fc.integer({ min: -6, max: 30 }),
        fc.constantFrom(logistic, deep('relu'), deep('tanh'), pictures('max')),
        (seed, clip16, size, model) => {
          const { sum } = gradientSum(randomBatch(seed, model, 1, 2 ** size), clip16);
          // |sum|² <= C², all in units of sumUnit, as whole numbers.
          const perUnit = 1 / sumUnit(clip16);
          const squared = sum.reduce((total, value) => total + BigInt(value * perUnit) ** 2n, 0n);
          expect(squared <= BigInt((clip16 / 65_536) * perUnit) ** 2n).toBe(true);
        },
      ),
    );
  });

  it('adds up exactly: the parts of a batch sum to the whole, to the last bit', () => {
    const batch = randomBatch('parts', deep('tanh'), 1024);
    const half = { ...batch, x: batch.x.subarray(0, 512 * 3), y: batch.y.subarray(0, 512) };
    const other = { ...batch, x: batch.x.subarray(512 * 3), y: batch.y.subarray(512) };
    const [whole, one, two] = [batch, half, other].map((part) => gradientSum(part, 6_554).sum);
    expect(one!.map((value, index) => value + two![index]!)).toEqual(whole);
    // In the other order too, which float sums would not survive.
    const turned = {
      ...batch,
      x: Float32Array.from([...other.x, ...half.x]),
      y: Float32Array.from([...other.y, ...half.y]),
    };
    expect(gradientSum(turned, 6_554).sum).toEqual(whole);
  });

  it('drops a record on which the model overflows, and keeps the others', () => {
    const fine = randomBatch('overflow', logistic, 3);
    const weights = Float32Array.from([3e38, -3e38, ...fine.weights.subarray(2)]); // 2·3e38 - 2·3e38 is NaN
    const x = fine.x.map((value, index) => (index % 8 < 2 ? 0 : value));
    const others = gradientSum({ model: logistic, weights, x, y: fine.y }, 65_536);
    const bad = {
      x: Float32Array.from([...x, 2, 2, 0, 0, 0, 0, 0, 0]),
      y: Float32Array.from([...fine.y, 0]),
    };
    const withBad = gradientSum({ model: logistic, weights, ...bad }, 65_536);
    expect(others.sum.some((value) => value !== 0)).toBe(true);
    expect(withBad.sum).toEqual(others.sum);
    expect(withBad.loss).toBe(others.loss);
    expect(withBad.clippedShare).toBe((others.clippedShare * 3 + 1) / 4);
  });

  const good = randomBatch('good', logistic, 2);
  it.each<[string, Partial<Batch>, string]>([
    ['an input that is not a number', { x: good.x.map((v, i) => (i === 3 ? Number.NaN : v)) }, 'not-finite'],
    [
      'an infinite input',
      { x: good.x.map((v, i) => (i === 3 ? Number.POSITIVE_INFINITY : v)) },
      'not-finite',
    ],
    [
      'a weight that is not a number',
      { weights: good.weights.map((v, i) => (i === 8 ? Number.NaN : v)) },
      'not-finite',
    ],
    ['a label between', { y: Float32Array.from([0, 0.5]) }, 'bad-job'],
    ['a label that is not a number', { y: Float32Array.from([0, Number.NaN]) }, 'bad-job'],
    ['no rows', { x: new Float32Array(0), y: new Float32Array(0) }, 'bad-job'],
    ['half a row', { x: good.x.subarray(1) }, 'bad-job'],
    ['too few weights', { weights: good.weights.subarray(1) }, 'bad-job'],
    [
      'too many rows',
      { x: new Float32Array(8 * RECORDS_MAX + 8), y: new Float32Array(RECORDS_MAX + 1) },
      'bad-job',
    ],
    [
      'a model that is not allowed',
      { model: { inputs: 8, layers: [{ kind: 'dense', units: 1, activation: 'sigmoid' }] } },
      'bad-job',
    ],
  ])('refuses %s', (_, change, code) => {
    const batch = { ...randomBatch('good', logistic, 2), ...change };
    expect(() => gradientSum(batch, 65_536)).toThrow(TrainerError);
    expect(() => gradientSum(batch, 65_536)).toThrow(expect.objectContaining({ code }));
  });
});

describe('clipFactors', () => {
  it('leaves room for its own rounding: factor · length <= C in exact arithmetic', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 2 ** 20 }), (seed, clip16) => {
        const batch = randomBatch(seed, logistic, 4, 100);
        const pass = backpropagate(batch);
        const { factors } = clipFactors(pass, clip16 / 65_536);
        const { a, d } = outer(pass.parts[0]!);
        for (let index = 0; index < 4; index++) {
          // Every number is a whole multiple of 2^-1200; compare squares without any rounding.
          const inputs = [1, ...a.subarray(index * 8, index * 8 + 8)];
          const squared = inputs.reduce((sum, value) => sum + dyadic(value) ** 2n, 0n);
          const length2 = squared * dyadic(d[index]!) ** 2n * dyadic(factors[index]!) ** 2n;
          expect(length2 <= dyadic(clip16 / 65_536) ** 2n * dyadic(1) ** 4n).toBe(true);
        }
      }),
    );
  });
});

describe('addWeighted', () => {
  it('cuts each contribution to whole units, toward zero, so that none gets longer', () => {
    const a = Float32Array.from([0.5, -0.5]);
    const factors = {
      kind: 'outer',
      offset: 0,
      inputs: 2,
      units: 1,
      a,
      d: Float32Array.from([1.75]),
    } as const;
    const whole = {
      kind: 'rows',
      offset: 3,
      width: 2,
      places: null,
      g: Float32Array.from([0.9, -0.9]),
    } as const;
    const sum = new Float64Array(5);
    for (let count = 0; count < 2; count++)
      addWeighted({ rows: 1, parts: [factors, whole], losses: new Float64Array(1) }, [1], 0.5, sum);
    // In units of 0.5 one record gives 1.75, -1.75 and 3.5; and 1.8 and -1.8.
    expect([...sum]).toEqual([1, -1, 3, 1, -1]);
  });
});

describe('dropout', () => {
  const model: ModelSpec = {
    inputs: 400,
    layers: [
      { kind: 'dropout', rate16: 16_384 },
      { kind: 'dense', units: 1, activation: 'linear' },
    ],
  };

  it('drops a quarter, scales up the rest, and draws anew for each record', () => {
    const batch = { ...randomBatch('drop', model, 2), x: new Float32Array(800).fill(3) };
    const { a } = outer(backpropagate(batch, drbg(utf8ToBytes('dropped'))).parts[0]!);
    expect(new Set(a)).toEqual(new Set([0, 4]));
    const dropped = [...a].filter((value) => value === 0).length / 800;
    expect(Math.abs(dropped - 0.25)).toBeLessThan(0.06);
    expect(a.subarray(0, 400)).not.toEqual(a.subarray(400));
    expect(new Set(outer(backpropagate(batch).parts[0]!).a)).toEqual(new Set([3]));
  });
});

describe('backpropagate', () => {
  it('computes each record from its own row alone: the others keep their bits when one is replaced', () => {
    const batch = randomBatch('independent', deep('tanh'), 13, 3);
    for (const replaced of [0, 5, 12]) {
      const x = batch.x.map((value, index) => (Math.floor(index / 3) === replaced ? 7 - value : value));
      const y = batch.y.map((value, index) => (index === replaced ? 1 - value : value));
      const [before, after] = [backpropagate(batch), backpropagate({ ...batch, x, y })];
      for (const [at, part] of before.parts.entries()) {
        const { inputs, units, a, d } = outer(part);
        const changed = outer(after.parts[at]!);
        expect(rowsThatDiffer(a, changed.a, inputs)).toEqual([replaced]);
        expect(rowsThatDiffer(d, changed.d, units)).toEqual([replaced]);
      }
    }
  });

  it('so do those of a network of every kind of layer', () => {
    const batch = randomBatch('independent too', pictures('max'), 9);
    const width = batch.model.inputs;
    for (const replaced of [0, 4, 8]) {
      const x = batch.x.map((value, index) => (Math.floor(index / width) === replaced ? 7 - value : value));
      const [before, after] = [backpropagate(batch), backpropagate({ ...batch, x })];
      for (const [at, part] of before.parts.entries()) {
        const changed = after.parts[at]!;
        if (part.kind === 'outer')
          expect(rowsThatDiffer(part.d, outer(changed).d, part.units)).toEqual([replaced]);
        else if (changed.kind === 'rows')
          expect(rowsThatDiffer(part.g, changed.g, part.width)).toEqual([replaced]);
      }
    }
  });

  it('keeps a record whose values overflow to itself, where nothing is larger than anything', () => {
    const batch = randomBatch('overflow', { ...maxima([]), inputs: 128 }, 3);
    const linear = batch.model.layers.map((layer) =>
      layer.kind === 'conv2d' ? { ...layer, activation: 'linear' as const } : layer,
    );
    const model = { ...batch.model, layers: linear };
    const weights = batch.weights.map((weight, at) => (at < 54 ? -1 : weight)); // the convolution's kernel
    const x = batch.x.map((value, at) => (at < 128 ? value : 3e38));
    const [alone, beside] = [batch.x, x].map((inputs) =>
      backpropagate({ ...batch, model, weights, x: inputs }),
    );
    for (const [at, part] of beside!.parts.entries()) {
      const same = alone!.parts[at]!;
      const [found, wanted] =
        part.kind === 'outer' ? [part.d, outer(same).d] : [part.g, (same as typeof part).g];
      expect(found.subarray(0, found.length / 3)).toEqual(wanted.subarray(0, wanted.length / 3));
    }
    expect(beside!.losses.subarray(1).every(Number.isNaN)).toBe(true);
  });
});

function outer(part: GradientPart): Extract<GradientPart, { kind: 'outer' }> {
  if (part.kind !== 'outer') throw new Error('not the part of a dense layer');
  return part;
}

function rowsThatDiffer(one: Float32Array, two: Float32Array, width: number): number[] {
  const differing = [...one.keys()].filter((index) => one[index] !== two[index]);
  return [...new Set(differing.map((index) => Math.floor(index / width)))];
}

/** A float as a whole number of 2^-1200, exactly. */
function dyadic(value: number): bigint {
  let [scaled, shift] = [value, 1200n];
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    shift--;
  }
  return BigInt(scaled) << shift;
}
