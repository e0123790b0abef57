import { strict as assert } from 'node:assert';
import { drbg, type RandomBytes } from '../../crypto/index.js';
import { ruleOf, sizeOf } from './layers/index.js';
import { type ModelSpec, parameterCount, placedLayers } from './spec.js';

/**
 * Weights of round 0, which everybody can compute from the task: kernels uniform within ±√(6 / (in + out)) from a
 * SHA-256 counter, biases zero. A single layer (logistic, softmax regression) starts at zero: it is convex.
 *
 * Unit: entry = limit · (2u + 1 - 2³²) / 2³² for the next 32-bit big-endian u of the counter, in float64, rounded
 *   once to float32. Only sqrt and + - × ÷, so that every engine gets the same bits.
 * Source: Glorot and Bengio 2010, equation 16.
 */
export function initialWeights(spec: ModelSpec, seed: Uint8Array): Float32Array {
  const weights = new Float32Array(parameterCount(spec));
  if (spec.layers.length === 1) return weights;
  const random = drbg(seed);
  for (const { layer, input, offset } of placedLayers(spec)) {
    let start = offset;
    for (const { shape, initial } of ruleOf(layer).tensors(layer, input)) {
      const end = start + sizeOf(shape);
      if (typeof initial === 'number') weights.fill(initial, start, end);
      else fillUniform(weights.subarray(start, end), initial.within, random);
      start = end;
    }
  }
  return weights;
}

function fillUniform(weights: Float32Array, limit: number, random: RandomBytes): void {
  const view = new DataView(random(4 * weights.length).buffer);
  for (let index = 0; index < weights.length; index++) {
    const centred = 2 * view.getUint32(4 * index) + 1 - 4294967296;
    weights[index] = (limit * centred) / 4294967296;
  }
}

/** The payload of a model: its flat vector as little-endian float32. Non-finite weights are a bug and assert. */
export function encodeWeights(weights: Float32Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * weights.length));
  for (let index = 0; index < weights.length; index++) {
    assert.ok(Number.isFinite(weights[index]), 'weights are finite');
    view.setFloat32(4 * index, weights[index]!, true);
  }
  return new Uint8Array(view.buffer);
}

/** Inverse of `encodeWeights`; null if the length is not that of `dimension` weights or one is not finite. */
export function decodeWeights(bytes: Uint8Array, dimension: number): Float32Array | null {
  if (bytes.length !== 4 * dimension) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const weights = new Float32Array(dimension);
  for (let index = 0; index < dimension; index++) {
    const weight = view.getFloat32(4 * index, true);
    if (!Number.isFinite(weight)) return null;
    weights[index] = weight;
  }
  return weights;
}
