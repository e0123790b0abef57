import type { Uniform } from './uniform.js';

/**
 * True with probability exactly numerator/denominator, for 0 <= numerator < denominator.
 *
 * Compares a uniform real with the fraction, 32 binary digits at a time, so that the draw is exact and yet almost
 * always needs four bytes.
 */
export function bernoulli(uniform: Uniform, numerator: bigint, denominator: bigint): boolean {
  let rest = numerator;
  while (rest > 0n) {
    const scaled = rest << 32n;
    const digit = Number(scaled / denominator);
    const drawn = uniform.below(2 ** 32);
    if (drawn !== digit) return drawn < digit;
    rest = scaled % denominator;
  }
  return false; // the draw has all digits of the fraction, so it is not below
}

/** True with probability exactly exp(-1). */
export function bernoulliExpMinusOne(uniform: Uniform): boolean {
  return isOddRun(uniform, () => true);
}

/** True with probability exactly exp(-numerator/denominator), for 0 <= numerator <= denominator < 2^40. */
export function bernoulliExpSmall(uniform: Uniform, numerator: number, denominator: number): boolean {
  return isOddRun(uniform, () => uniform.below(denominator) < numerator);
}

/** True with probability exactly exp(-numerator/denominator), for any non-negative fraction. */
export function bernoulliExp(uniform: Uniform, numerator: bigint, denominator: bigint): boolean {
  for (let whole = numerator / denominator; whole > 0n; whole--) {
    if (!bernoulliExpMinusOne(uniform)) return false;
  }
  const rest = numerator % denominator;
  return isOddRun(uniform, () => bernoulli(uniform, rest, denominator));
}

/**
 * Algorithm 1 of Canonne, Kamath, Steinke 2020 (arXiv:2004.00010), for gamma in 0 .. 1: the first K at which
 * Bernoulli(gamma/K) fails is odd with probability exp(-gamma). `coin` is Bernoulli(gamma); together with an
 * independent Bernoulli(1/K) it is Bernoulli(gamma/K), and no product of denominators has to be formed.
 */
function isOddRun(uniform: Uniform, coin: () => boolean): boolean {
  let k = 1;
  while (uniform.below(k) === 0 && coin()) k++;
  return k % 2 === 1;
}
