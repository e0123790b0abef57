import { drbg, utf8ToBytes } from '../../crypto/index.js';
import { classCount, createGrid, initialWeights, type ModelSpec, parameterCount } from '../../fl/index.js';
import type { TrainJob } from '../../fl/trainer/index.js';

const models: Readonly<Record<JobName, ModelSpec>> = {
  dense: {
    inputs: 8,
    layers: [
      { kind: 'dense', units: 64, activation: 'relu' },
      { kind: 'dense', units: 32, activation: 'tanh' },
      { kind: 'dense', units: 2, activation: 'linear' },
    ],
  },
  cnn: {
    inputs: 144,
    layers: [
      { kind: 'reshape', height: 12, width: 12, channels: 1 },
      { kind: 'conv2d', filters: 8, size: 5, padding: 'same', activation: 'relu' },
      { kind: 'pool2d', pool: 'max', size: 2 },
      { kind: 'conv2d', filters: 6, size: 3, padding: 'valid', activation: 'sigmoid' },
      { kind: 'groupNorm', groups: 2 },
      { kind: 'flatten' },
      { kind: 'dense', units: 10, activation: 'linear' },
    ],
  },
};

export type JobName = 'dense' | 'cnn';

/** One device's round, the same wherever it is made. */
export function jobOf(name: JobName, sigma16: number): TrainJob {
  const model = models[name];
  const rows = 40;
  const random = drbg(utf8ToBytes(`browser/${name}`));
  return {
    model,
    weights: initialWeights(model, utf8ToBytes(name)),
    x: Float32Array.from(random(rows * model.inputs), (byte) => byte / 128 - 1),
    y: Float32Array.from({ length: rows }, (_, row) => row % classCount(model)),
    grid: createGrid({ dimension: parameterCount(model), clip16: 65_536, sigma16 }),
  };
}
