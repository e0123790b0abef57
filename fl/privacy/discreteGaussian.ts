import { strict as assert } from 'node:assert';
import type { RandomBytes } from '../../crypto/index.js';
import { bernoulliExp, bernoulliExpMinusOne, bernoulliExpSmall } from './bernoulli.js';
import { integerSqrt } from './integerSqrt.js';
import { createUniform, type Uniform } from './uniform.js';

/** The Laplace scale must leave room for exact numbers: standard deviations below 2^39. */
const SCALE_MAX = 2 ** 39;

/**
 * One draw from the discrete Gaussian: P(x) proportional to exp(-x²/(2 variance)) on the whole numbers.
 *
 * Exact: no floating-point number is formed on the way, so what is released is what the proof is about. Wants a
 *   cryptographic source. The running time depends on the draw; whoever can time it to the microsecond learns
 *   something about the noise (Jin et al. 2022, arXiv:2112.05307): a device publishes long after it drew.
 * Limits: variance > 0, standard deviation < 2^39.
 * Cost: about 10 µs; for many draws use `createDiscreteGaussian`.
 * Source: Canonne, Kamath, Steinke 2020, arXiv:2004.00010, algorithms 1 to 3.
 */
export function discreteGaussian(
  random: RandomBytes,
  varianceNumerator: bigint,
  varianceDenominator: bigint,
): bigint {
  return BigInt(sampler(createUniform(random, 64), varianceNumerator, varianceDenominator)());
}

/**
 * A function that makes one draw a call, as `discreteGaussian`, reading the source in larger chunks. Draws are
 * exact integers of magnitude below 2^53.
 *
 * Cost: about 5 µs a draw.
 */
export function createDiscreteGaussian(
  random: RandomBytes,
  varianceNumerator: bigint,
  varianceDenominator: bigint,
): () => number {
  return sampler(createUniform(random, 4096), varianceNumerator, varianceDenominator);
}

/** Algorithm 3: a discrete Laplace draw Y of scale t, kept with probability exp(-(|Y| - variance/t)²/(2 variance)). */
function sampler(uniform: Uniform, numerator: bigint, denominator: bigint): () => number {
  assert.ok(numerator > 0n && denominator > 0n, 'variance of a discrete Gaussian');
  const common = gcd(numerator, denominator);
  const n = numerator / common;
  const d = denominator / common;
  const t = integerSqrt(n / d) + 1n;
  assert.ok(t <= SCALE_MAX, 'standard deviation of a discrete Gaussian');
  const scale = Number(t);
  // (|Y| - n/(d t))² / (2 n/d) = (|Y| t d - n)² / (2 t² d n)
  const td = t * d;
  const exponentDenominator = 2n * t * td * n;
  return () => {
    for (;;) {
      const draw = discreteLaplace(uniform, scale);
      const offset = BigInt(Math.abs(draw)) * td - n;
      if (bernoulliExp(uniform, offset * offset, exponentDenominator)) return draw;
    }
  };
}

/** Algorithm 2, for a whole scale: P(x) proportional to exp(-|x|/scale). */
function discreteLaplace(uniform: Uniform, scale: number): number {
  for (;;) {
    const low = uniform.below(scale);
    if (!bernoulliExpSmall(uniform, low, scale)) continue;
    let high = 0;
    while (bernoulliExpMinusOne(uniform)) high++;
    const magnitude = low + scale * high;
    assert.ok(Number.isSafeInteger(magnitude), 'a draw beyond exp(-8192)');
    const negative = uniform.below(2) === 1;
    if (magnitude === 0 && negative) continue; // else zero would count twice
    return negative ? -magnitude : magnitude;
  }
}

function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b];
  while (y > 0n) [x, y] = [y, x % y];
  return x;
}
