import { drbg, utf8ToBytes } from '../../crypto/index.js';
import { classCount, initialWeights, type ModelSpec } from '../../fl/index.js';
import type { Batch } from '../../fl/trainer/index.js';

/** A small network for tables. */
export const denseModel: ModelSpec = {
  inputs: 8,
  layers: [
    { kind: 'dense', units: 64, activation: 'relu' },
    { kind: 'dense', units: 32, activation: 'relu' },
    { kind: 'dense', units: 2, activation: 'linear' },
  ],
};

/** The CNN of McMahan et al. 2017 (arXiv:1602.05629) for MNIST: 1,663,370 parameters. */
export const cnnModel: ModelSpec = {
  inputs: 784,
  layers: [
    { kind: 'reshape', height: 28, width: 28, channels: 1 },
    { kind: 'conv2d', filters: 32, size: 5, padding: 'same', activation: 'relu' },
    { kind: 'pool2d', pool: 'max', size: 2 },
    { kind: 'conv2d', filters: 64, size: 5, padding: 'same', activation: 'relu' },
    { kind: 'pool2d', pool: 'max', size: 2 },
    { kind: 'flatten' },
    { kind: 'dense', units: 512, activation: 'relu' },
    { kind: 'dense', units: 10, activation: 'linear' },
  ],
};

/** Records of noise in [0, 1), classes in turn. */
export function randomBatch(model: ModelSpec, rows: number): Batch {
  const random = drbg(utf8ToBytes('bench/learning/step'));
  return {
    model,
    weights: initialWeights(model, utf8ToBytes('bench/learning/step')),
    x: Float32Array.from(random(rows * model.inputs), (byte) => byte / 256),
    y: Float32Array.from({ length: rows }, (_, row) => row % classCount(model)),
  };
}
