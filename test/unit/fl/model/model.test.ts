import { describe, expect, it } from 'vitest';
import {
  type Activation,
  checkModel,
  classCount,
  type DenseLayer,
  decodeWeights,
  encodeWeights,
  evaluate,
  initialWeights,
  type Layer,
  type ModelSpec,
  PARAMETERS_MAX,
  parameterCount,
  predict,
  ruleOf,
  type Shape,
  tensorShapes,
} from '../../../../fl/index.js';

const dense = (units: number, activation: Activation = 'linear'): DenseLayer => ({
  kind: 'dense',
  units,
  activation,
});
const logistic: ModelSpec = { inputs: 8, layers: [dense(1)] };
const small: ModelSpec = { inputs: 2, layers: [dense(3, 'relu'), dense(1)] };
const seed = Uint8Array.of(1, 2, 3);

describe('checkModel', () => {
  it('accepts logistic regression and a small dense network', () => {
    expect(checkModel(logistic)).toBeNull();
    expect(checkModel({ inputs: 8, layers: [dense(64, 'tanh'), dense(32, 'sigmoid'), dense(1)] })).toBeNull();
  });

  it.each<[string, unknown, RegExp]>([
    ['no inputs', { inputs: 0, layers: [dense(1)] }, /inputs/],
    ['fractional inputs', { inputs: 1.5, layers: [dense(1)] }, /inputs/],
    ['no layers', { inputs: 8, layers: [] }, /1 to 16 layers/],
    ['too many layers', { inputs: 8, layers: new Array(17).fill(dense(1)) }, /1 to 16 layers/],
    [
      'an unknown layer',
      { inputs: 8, layers: [{ kind: 'lambda', units: 1, activation: 'linear' }] },
      /layer 0: unknown kind lambda/,
    ],
    ['a layer without units', { inputs: 8, layers: [dense(0, 'relu'), dense(1)] }, /layer 0: units/],
    [
      'an unknown activation',
      { inputs: 8, layers: [dense(4, 'softmax' as Activation), dense(1)] },
      /layer 0: unknown activation softmax/,
    ],
    ['more classes than there may be', { inputs: 8, layers: [dense(1_001)] }, /last layer/],
    [
      'no dense layer at the end',
      { inputs: 8, layers: [dense(4), { kind: 'dropout', rate16: 1 }] },
      /last layer/,
    ],
    ['an activated output', { inputs: 8, layers: [dense(1, 'sigmoid')] }, /last layer/],
    ['too many parameters', { inputs: 60_000, layers: [dense(60_000), dense(1)] }, /more than 4194304/],
  ])('refuses %s', (_, spec, reason) => {
    expect(checkModel(spec as ModelSpec)).toMatch(reason);
  });

  const image = { kind: 'reshape', height: 4, width: 6, channels: 2 };
  const conv = { kind: 'conv2d', filters: 3, size: 3, padding: 'same', activation: 'relu' };
  it.each<[string, readonly unknown[], RegExp]>([
    ['an image of other numbers', [{ ...image, height: 5 }], /layer 0: 48 numbers are no image of 5 × 6 × 2/],
    ['an image without sides', [{ ...image, height: 0 }], /layer 0: height, width and channels/],
    ['a convolution of a list', [conv], /layer 0: it takes an image; put a reshape/],
    ['a window of even size', [image, { ...conv, size: 2 }], /layer 1: size must be an odd number/],
    ['an unknown padding', [image, { ...conv, padding: 'full' }], /layer 1: unknown padding full/],
    ['no filters', [image, { ...conv, filters: 0 }], /layer 1: filters/],
    [
      'a window larger than the image',
      [image, { ...conv, size: 5, padding: 'valid' }],
      /layer 1: an image of 4 × 6 has no window of 5 × 5/,
    ],
    [
      'squares that do not fit',
      [image, { kind: 'pool2d', pool: 'max', size: 4 }],
      /does not divide into squares of 4/,
    ],
    ['an unknown pool', [image, { kind: 'pool2d', pool: 'min', size: 2 }], /unknown pool min/],
    [
      'groups that do not divide',
      [image, { kind: 'groupNorm', groups: 4 }],
      /groups must divide the 2 channels/,
    ],
    ['a rate of everything', [{ kind: 'dropout', rate16: 65_536 }], /rate16/],
    ['a dense layer of an image', [image, dense(3)], /layer 1: it takes a flat list; put a flatten/],
    [
      'more values than training holds',
      [image, { ...conv, filters: 65_536 }],
      /layer 1: it gives 1572864 values/,
    ],
  ])('refuses %s', (_, layers, reason) => {
    expect(
      checkModel({ inputs: 48, layers: [...layers, { kind: 'flatten' }, dense(1)] } as ModelSpec),
    ).toMatch(reason);
  });

  it('counts the convolutional network of McMahan et al. 2017 as they do', () => {
    const pool = { kind: 'pool2d', pool: 'max', size: 2 } as const;
    const five = { kind: 'conv2d', size: 5, padding: 'same', activation: 'relu' } as const;
    const model: ModelSpec = {
      inputs: 784,
      layers: [
        { kind: 'reshape', height: 28, width: 28, channels: 1 },
        { ...five, filters: 32 },
        pool,
        { ...five, filters: 64 },
        pool,
        { kind: 'flatten' },
        dense(512, 'relu'),
        dense(10),
      ],
    };
    expect(checkModel(model)).toBeNull();
    expect(parameterCount(model)).toBe(1_663_370);
    expect(classCount(model)).toBe(10);
    expect(tensorShapes(model)[2]).toEqual({ name: 'conv2d3/kernel', shape: [5, 5, 32, 64] });
  });

  it('draws the line for parameters at the payload', () => {
    // 1,022 · 4,096 + 4,096 + 4,096 + 1 = PARAMETERS_MAX + 1
    expect(checkModel({ inputs: 1022, layers: [dense(4096), dense(1)] })).toMatch(String(PARAMETERS_MAX));
    expect(checkModel({ inputs: 1021, layers: [dense(4096), dense(1)] })).toBeNull();
  });
});

describe('the flat vector', () => {
  it('holds kernel, then bias, layer by layer', () => {
    expect(parameterCount(logistic)).toBe(9);
    expect(parameterCount(small)).toBe(2 * 3 + 3 + 3 + 1);
    expect(tensorShapes(small)).toEqual([
      { name: 'dense0/kernel', shape: [2, 3] },
      { name: 'dense0/bias', shape: [3] },
      { name: 'dense1/kernel', shape: [3, 1] },
      { name: 'dense1/bias', shape: [1] },
    ]);
  });

  it('survives its bytes, little-endian float32', () => {
    const weights = Float32Array.of(1, -0, 0.1, 3e38);
    const bytes = encodeWeights(weights);
    expect([...bytes.subarray(0, 4)]).toEqual([0, 0, 0x80, 0x3f]);
    expect(decodeWeights(bytes, 4)).toEqual(weights);
    const shifted = new Uint8Array(17);
    shifted.set(bytes, 1);
    expect(decodeWeights(shifted.subarray(1), 4)).toEqual(weights);
  });

  it('refuses a wrong length and weights that are not finite', () => {
    const bytes = encodeWeights(Float32Array.of(1, 2));
    expect(decodeWeights(bytes, 1)).toBeNull();
    expect(decodeWeights(bytes, 3)).toBeNull();
    expect(decodeWeights(bytes.subarray(0, 7), 2)).toBeNull();
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const view = new DataView(bytes.slice().buffer);
      view.setFloat32(4, bad, true);
      expect(decodeWeights(new Uint8Array(view.buffer), 2)).toBeNull();
      expect(() => encodeWeights(Float32Array.of(1, bad))).toThrow(/finite/);
    }
  });
});

describe('initialWeights', () => {
  it('starts logistic regression at zero', () => {
    expect(initialWeights(logistic, seed)).toEqual(new Float32Array(9));
  });

  it('is uniform within the limit of each layer, with zero biases, and repeats', () => {
    const spec: ModelSpec = { inputs: 40, layers: [dense(50, 'relu'), dense(1)] };
    const weights = initialWeights(spec, seed);
    expect(weights).toEqual(initialWeights(spec, seed));
    expect(weights).not.toEqual(initialWeights(spec, Uint8Array.of(9)));
    const kernel = weights.subarray(0, 2000);
    const limit = Math.sqrt(6 / 90);
    expect(Math.max(...kernel)).toBeLessThanOrEqual(limit);
    expect(Math.min(...kernel)).toBeGreaterThanOrEqual(-limit);
    // Mean 0 ± 5 standard errors and variance limit²/3 within 10 %: a fixed seed, so it holds or it does not.
    const mean = kernel.reduce((sum, x) => sum + x, 0) / 2000;
    const square = kernel.reduce((sum, x) => sum + x * x, 0) / 2000;
    expect(Math.abs(mean)).toBeLessThan((5 * limit) / Math.sqrt(3 * 2000));
    expect(Math.abs(square / (limit * limit) - 1 / 3)).toBeLessThan(1 / 30);
    expect([...weights.subarray(2000, 2050)]).toEqual(new Array(50).fill(0));
    expect(Math.max(...weights.subarray(2050, 2100))).toBeLessThanOrEqual(Math.fround(Math.sqrt(6 / 51)));
    expect(weights[2100]).toBe(0);
  });
});

describe('predict and evaluate', () => {
  it('computes the forward pass by hand', () => {
    // relu([1, 2] · [[1, -1, 2], [0, 1, -1]] + [0, 0, 1]) = [1, 1, 1]; · [1, 2, -4] + 0.5 = -0.5
    const weights = Float32Array.of(1, -1, 2, 0, 1, -1, 0, 0, 1, 1, 2, -4, 0.5);
    expect(predict(small, weights, Float32Array.of(1, 2))[0]).toBeCloseTo(1 / (1 + Math.exp(0.5)), 12);
    // [3, 0]: relu([3, -3, 7]) = [3, 0, 7]; 3 - 28 + 0.5
    expect(predict(small, weights, Float32Array.of(1, 2, 3, 0))[1]).toBeCloseTo(1 / (1 + Math.exp(24.5)), 12);
  });

  it.each<[Activation, number]>([
    ['linear', -2],
    ['relu', 0],
    ['tanh', Math.tanh(-2)],
    ['sigmoid', 1 / (1 + Math.exp(2))],
  ])('applies %s', (activation, hidden) => {
    const spec: ModelSpec = { inputs: 1, layers: [dense(1, activation), dense(1)] };
    const weights = Float32Array.of(1, 0, 1, 0);
    expect(predict(spec, weights, Float32Array.of(-2))[0]).toBeCloseTo(1 / (1 + Math.exp(-hidden)), 12);
  });

  it('counts accuracy, loss and the area under the curve', () => {
    const identity: ModelSpec = { inputs: 1, layers: [dense(1)] };
    const x = Float32Array.of(2, 1, 1, -1, 0);
    const y = [1, 0, 1, 0, 1];
    const result = evaluate(identity, Float32Array.of(1, 0), x, y);
    expect(result.accuracy).toBe(4 / 5);
    // pairs: 2 beats both, 1 ties one and beats one, 0 loses to 1 and beats -1: 2 + 1.5 + 1 of 6
    expect(result.auroc).toBe(4.5 / 6);
    const loss = [2, -1, 1, 1, 0].reduce((sum, margin) => sum + Math.log(1 + Math.exp(-margin)), 0) / 5;
    expect(result.loss).toBeCloseTo(loss, 12);
  });

  it('stays finite for extreme logits and says NaN for the area under one class', () => {
    const identity: ModelSpec = { inputs: 1, layers: [dense(1)] };
    const result = evaluate(identity, Float32Array.of(1000, 0), Float32Array.of(5, 5), [0, 0]);
    expect(result.loss).toBe(5000);
    expect(result.auroc).toBeNaN();
  });

  it('asserts on rows, labels or weights that do not fit', () => {
    const x = Float32Array.of(1, 2);
    const weights = new Float32Array(13);
    expect(() => predict(small, new Float32Array(12), x)).toThrow(/weights fit/);
    expect(() => predict(small, weights, Float32Array.of(1))).toThrow(/whole rows/);
    expect(() => evaluate(small, weights, x, [1, 0])).toThrow(/one label a row/);
    expect(() => evaluate(small, weights, x, [2])).toThrow(/labels are classes/);
  });
});

describe('layers', () => {
  /** By hand: one channel, three by three. */
  const x = Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9);
  const forward = (layer: Layer, input: Shape, weights: readonly number[]) => [
    ...ruleOf(layer).forward(layer, input, Float32Array.from(weights), x),
  ];

  it('convolve without turning the kernel, with zeros around', () => {
    const conv = { kind: 'conv2d', filters: 1, size: 3, activation: 'linear' } as const;
    const kernel = [0, 1, 0, 0, 0, 0, 0, 0, 0];
    // The one looks at the entry above; the bias is 10.
    expect(forward({ ...conv, padding: 'same' }, [3, 3, 1], [...kernel, 10])).toEqual([
      10, 10, 10, 11, 12, 13, 14, 15, 16,
    ]);
    expect(forward({ ...conv, padding: 'valid' }, [3, 3, 1], [...kernel, 10])).toEqual([12]);
  });

  it('pool squares', () => {
    expect(forward({ kind: 'pool2d', pool: 'max', size: 3 }, [3, 3, 1], [])).toEqual([9]);
    expect(forward({ kind: 'pool2d', pool: 'mean', size: 3 }, [3, 3, 1], [])[0]).toBeCloseTo(5, 12);
    expect(forward({ kind: 'pool2d', pool: 'max', size: 1 }, [3, 3, 1], [])).toEqual([...x]);
  });

  it('normalise groups of channels, each for itself', () => {
    const [a, b, c] = forward({ kind: 'groupNorm', groups: 3 }, [3, 1, 3], [1, 1, 2, 0, 0, 1]);
    // Channel 0 holds 1, 4, 7; channel 2 is doubled and shifted by 1.
    const z = 3 / Math.sqrt(6 + 1e-5);
    expect(a).toBeCloseTo(-z, 9);
    expect(b).toBeCloseTo(-z, 9);
    expect(c).toBeCloseTo(1 - 2 * z, 9);
  });
});
