import { strict as assert } from 'node:assert';

export interface ServerStep {
  /** Weights of the last round, [d]. */
  readonly weights: Float32Array;
  /** Mean update per unit in real units, [d]: what to go *against* (a noised mean gradient). */
  readonly mean: Float64Array;
  /** Learning rate in units of 2⁻¹⁶. */
  readonly learningRate16: number;
}

/**
 * weights - learning rate · mean, in float64, rounded once to float32.
 *
 * Only - × ÷, in a fixed order: every engine gets the same bits. A result that is not finite
 * is a bug (the norm cap bounds every step) and asserts.
 */
export function serverStep({ weights, mean, learningRate16 }: ServerStep): Float32Array {
  assert.equal(mean.length, weights.length, 'mean and weights of one length');
  assert.ok(Number.isSafeInteger(learningRate16) && learningRate16 >= 0, 'a learning rate in 2^-16');
  const rate = learningRate16 / 65_536;
  return weights.map((weight, index) => {
    const next = Math.fround(weight - rate * mean[index]!);
    assert.ok(Number.isFinite(next), 'weights stay finite');
    return next;
  });
}
