import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeSafetensors,
  encodeLayersModel,
  encodeSafetensors,
  initialWeights,
  type ModelSpec,
  namedTensors,
  parameterCount,
  predict,
} from '../../../../fl/index.js';

const deep: ModelSpec = {
  inputs: 3,
  layers: [
    { kind: 'dense', units: 4, activation: 'relu' },
    { kind: 'dense', units: 2, activation: 'tanh' },
    { kind: 'dense', units: 1, activation: 'linear' },
  ],
};
const weights = initialWeights(deep, Uint8Array.of(5)).map((value, index) => value + index / 1_000);
const rows = Float32Array.from({ length: 30 }, (_, index) => ((index * 7) % 11) / 5 - 1);

/** Header and data of a safetensors file, taken apart by the format's description alone. */
function takeApart(file: Uint8Array) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const headerBytes = Number(view.getBigUint64(0, true));
  const header = JSON.parse(Buffer.from(file.subarray(8, 8 + headerBytes)).toString('utf8'));
  return { header, headerBytes, data: file.subarray(8 + headerBytes) };
}

/** The same file with another header. */
function withHeader(file: Uint8Array, change: (header: Record<string, unknown>) => unknown): Uint8Array {
  const { header, data } = takeApart(file);
  const json = Buffer.from(JSON.stringify(change(header)));
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([start, json, data]);
}

describe('safetensors', () => {
  const metadata = { model: 'abc', software: 'a test' };
  const file = encodeSafetensors({ tensors: namedTensors(deep, weights), metadata });

  it('has the header that the format describes, and data aligned to 8', () => {
    const { header, headerBytes, data } = takeApart(file);
    expect(headerBytes % 8).toBe(0);
    expect(header).toEqual({
      __metadata__: metadata,
      'dense0/kernel': { dtype: 'F32', shape: [3, 4], data_offsets: [0, 48] },
      'dense0/bias': { dtype: 'F32', shape: [4], data_offsets: [48, 64] },
      'dense1/kernel': { dtype: 'F32', shape: [4, 2], data_offsets: [64, 96] },
      'dense1/bias': { dtype: 'F32', shape: [2], data_offsets: [96, 104] },
      'dense2/kernel': { dtype: 'F32', shape: [2, 1], data_offsets: [104, 112] },
      'dense2/bias': { dtype: 'F32', shape: [1], data_offsets: [112, 116] },
    });
    expect(data.length).toBe(4 * parameterCount(deep));
    expect(Buffer.from(data).readFloatLE(4)).toBe(weights[1]);
  });

  it('comes back as it was', () => {
    const read = decodeSafetensors(file);
    if (!read.ok) throw new Error(read.text);
    expect(read.metadata).toEqual(metadata);
    expect(read.tensors).toEqual(namedTensors(deep, Float32Array.from(weights)));
    expect(encodeSafetensors(read)).toEqual(file);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['nothing', new Uint8Array(7), /shorter/],
    ['a byte too few', file.subarray(0, -1), /offsets/],
    ['a byte too many', Buffer.concat([file, Uint8Array.of(0)]), /no tensor/],
    ['a header cut short', file.subarray(0, 50), /cut short/],
    ['a header of petabytes', Buffer.from('ffffffffffffff0f7b7d', 'hex'), /a header of/],
    ['a header that is a list', withHeader(file, () => []), /JSON object/],
    [
      'a header that is broken',
      Buffer.concat([file.subarray(0, 8), Buffer.alloc(file.length - 8, 0x7b)]),
      /JSON object/,
    ],
    ['metadata of numbers', withHeader(file, (h) => ({ ...h, __metadata__: { a: 1 } })), /__metadata__/],
    [
      'another type',
      withHeader(file, (h) => ({ ...h, x: { dtype: 'F16', shape: [], data_offsets: [0, 2] } })),
      /only dtype F32/,
    ],
    [
      'an unknown field',
      withHeader(file, (h) => ({ ...h, x: { dtype: 'F32', shape: [1], data_offsets: [116, 120], z: 1 } })),
      /only dtype F32/,
    ],
    [
      'an overlap',
      withHeader(file, (h) => ({
        ...h,
        'dense0/bias': { dtype: 'F32', shape: [4], data_offsets: [44, 60] },
      })),
      /dense0\/bias: offsets/,
    ],
    [
      'a gap',
      withHeader(file, (h) => ({
        ...h,
        'dense0/kernel': { dtype: 'F32', shape: [2, 4], data_offsets: [0, 32] },
      })),
      /offsets/,
    ],
    [
      'a negative length',
      withHeader(file, (h) => ({ ...h, x: { dtype: 'F32', shape: [-1], data_offsets: [116, 112] } })),
      /no shape/,
    ],
    [
      'a tensor beyond the end',
      withHeader(file, (h) => ({ ...h, x: { dtype: 'F32', shape: [1], data_offsets: [116, 120] } })),
      /offsets/,
    ],
  ])('refuses %s', (_, bytes, text) => {
    expect(decodeSafetensors(bytes)).toMatchObject({ ok: false, text: expect.stringMatching(text) });
  });

  it('answers any bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 64 }),
        fc.nat(file.length - 1),
        fc.nat(255),
        (bytes, at, value) => {
          decodeSafetensors(bytes);
          const flipped = file.slice();
          flipped[at] = value;
          decodeSafetensors(flipped);
        },
      ),
    );
  });
});

describe('a LayersModel', () => {
  const encoded = encodeLayersModel(deep, weights, 'task-1', 'a test');
  if (!encoded.ok) throw new Error(encoded.reason);
  const { model, weights: bin } = encoded;
  const json = JSON.parse(JSON.stringify(model));

  it('has the fields that tf.loadLayersModel reads', () => {
    expect(json).toMatchObject({
      format: 'layers-model',
      generatedBy: 'a test',
      modelTopology: { class_name: 'Sequential', config: { name: 'task-1' }, backend: 'tensor_flow.js' },
    });
    const layers = json.modelTopology.config.layers;
    expect(layers.map((layer: { class_name: string }) => layer.class_name)).toEqual([
      'Dense',
      'Dense',
      'Dense',
    ]);
    expect(layers[0].config).toMatchObject({ batch_input_shape: [null, 3], units: 4, activation: 'relu' });
    const [group, ...more] = json.weightsManifest;
    expect(more).toEqual([]);
    expect(group.paths).toEqual(['weights.bin']);
    const numbers = group.weights.map(({ shape }: { shape: number[] }) => shape.reduce((a, b) => a * b, 1));
    expect(4 * numbers.reduce((a: number, b: number) => a + b, 0)).toBe(bin.length);
  });

  it('names the layers of an image’s network, and says of which there is none', () => {
    const layers = [
      { kind: 'reshape', height: 4, width: 4, channels: 1 },
      { kind: 'conv2d', filters: 2, size: 3, padding: 'same', activation: 'relu' },
      { kind: 'pool2d', pool: 'max', size: 2 },
      { kind: 'flatten' },
      { kind: 'dropout', rate16: 32_768 },
      { kind: 'dense', units: 3, activation: 'linear' },
    ] as const;
    const spec: ModelSpec = { inputs: 16, layers };
    const made = encodeLayersModel(spec, initialWeights(spec, new Uint8Array(32)), 'task-2', 'a test');
    const written = JSON.parse(JSON.stringify(made)).model.modelTopology.config.layers;
    expect(written.map((layer: { class_name: string }) => layer.class_name)).toEqual([
      'Reshape',
      'Conv2D',
      'MaxPooling2D',
      'Flatten',
      'Dropout',
      'Dense',
    ]);
    expect(written[0].config).toMatchObject({ target_shape: [4, 4, 1], batch_input_shape: [null, 16] });
    expect(written[1].config).toMatchObject({
      name: 'conv2d1',
      kernel_size: [3, 3],
      padding: 'same',
      filters: 2,
    });
    expect(written[4].config.rate).toBe(0.5);
    expect(written[5].config.activation).toBe('softmax');
    const normed: ModelSpec = {
      inputs: 2,
      layers: [
        { kind: 'groupNorm', groups: 1 },
        { kind: 'dense', units: 1, activation: 'linear' },
      ],
    };
    expect(encodeLayersModel(normed, initialWeights(normed, new Uint8Array(32)), 'x', 'y')).toEqual({
      ok: false,
      reason: 'TensorFlow.js has no layer groupNorm',
    });
  });

  it('gives the probabilities that the model gives, computed from the two files alone', () => {
    const numbers = new Float32Array(bin.slice().buffer);
    const tensors = new Map<string, Float32Array>();
    let at = 0;
    for (const { name, shape } of json.weightsManifest[0].weights) {
      const length = shape.reduce((a: number, b: number) => a * b, 1);
      tensors.set(name, numbers.subarray(at, at + length));
      at += length;
    }
    const apply: Record<string, (value: number) => number> = {
      relu: (value) => (value > 0 ? value : 0),
      tanh: Math.tanh,
      sigmoid: (value) => 1 / (1 + Math.exp(-value)),
    };
    const outputs = Array.from({ length: 10 }, (_, row) => {
      let values = [...rows.subarray(3 * row, 3 * row + 3)];
      for (const { config } of json.modelTopology.config.layers) {
        const [kernel, bias] = [tensors.get(`${config.name}/kernel`)!, tensors.get(`${config.name}/bias`)!];
        values = Array.from({ length: config.units }, (_, unit) =>
          apply[config.activation]!(
            values.reduce(
              (sum, value, input) => sum + value * kernel[input * config.units + unit]!,
              bias[unit]!,
            ),
          ),
        );
      }
      return values[0]!;
    });
    const expected = predict(deep, weights, rows);
    for (const [row, output] of outputs.entries()) expect(output).toBeCloseTo(expected[row]!, 12);
    expect(new Set(outputs).size).toBeGreaterThan(5);
  });
});
