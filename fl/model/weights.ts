import { strict as assert } from 'node:assert';
import { drbg } from '../../crypto/index.js';
import { type ModelSpec, parameterCount, widths } from './spec.js';

/**
 * Weights of round 0, which everybody can compute from the task: kernels uniform within ±√(6 / (in + out)) from a
 * SHA-256 counter, biases zero. A single unit (logistic regression) starts at zero: it is convex.
 *
 * Unit: entry = limit · (2u + 1 - 2³²) / 2³² for the next 32-bit big-endian u of the counter, in float64, rounded
 *   once to float32. Only sqrt and + - × ÷, so that every engine gets the same bits.
 * Source: Glorot and Bengio 2010, equation 16.
 */
export function initialWeights(spec: ModelSpec, seed: Uint8Array): Float32Array {
  const weights = new Float32Array(parameterCount(spec));
  if (spec.layers.length === 1 && spec.layers[0]!.units === 1) return weights;
  const random = drbg(seed);
  let offset = 0;
  for (const [inputs, units] of widths(spec)) {
    const limit = Math.sqrt(6 / (inputs + units));
    const view = new DataView(random(4 * inputs * units).buffer);
    for (let index = 0; index < inputs * units; index++) {
      const centred = 2 * view.getUint32(4 * index) + 1 - 4294967296;
      weights[offset + index] = (limit * centred) / 4294967296;
    }
    offset += inputs * units + units;
  }
  return weights;
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
