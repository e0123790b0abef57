/*
 * Real functions in fixed point on BigInt: a real x is the integer round-down(x · 2^FRACTION_BITS). Whole numbers
 * only, so every engine gets the same bits, which Math.exp and its kind do not promise; contracts may use these.
 *
 * Error: ONE is 2^256. Sums and products lose at most one unit a step, a few hundred steps a call; each function
 * states what it guarantees.
 */

export const FRACTION_BITS = 256n;
export const ONE = 1n << FRACTION_BITS;

/** Product of two fixed-point numbers. Error: one unit. */
export function multiply(a: bigint, b: bigint): bigint {
  return (a * b) >> FRACTION_BITS;
}

/** numerator/denominator as a fixed-point number. Error: one unit. */
export function fraction(numerator: bigint, denominator: bigint): bigint {
  return (numerator << FRACTION_BITS) / denominator;
}

/**
 * exp(x) for |x| <= 128. Relative error below 2^-220, and one unit more for x < 0.
 *
 * The Taylor series at x/2^16, squared 16 times (each squaring doubles the relative error). A negative x goes
 * through its reciprocal, so that all terms have one sign.
 */
export function exp(x: bigint): bigint {
  if (x < 0n) return (ONE * ONE) / exp(-x);
  const reduced = x >> 16n;
  let term = ONE;
  let sum = ONE;
  for (let k = 1n; term > 0n; k++) {
    term = multiply(term, reduced) / k;
    sum += term;
  }
  for (let i = 0; i < 16; i++) sum = multiply(sum, sum);
  return sum;
}

/**
 * S(x) = x + x³/3 + x⁵/(3·5) + x⁷/(3·5·7) + ..., for which Φ(x) = 1/2 + φ(x)·S(x). Odd; |x| <= 16.
 *
 * All terms of one sign: nothing cancels. Error below 2^-240 · max(1, S). About x² + 120 terms.
 * Source: Abramowitz and Stegun 26.2.11.
 */
export function normalSeries(x: bigint): bigint {
  if (x < 0n) return -normalSeries(-x);
  const square = multiply(x, x);
  let term = x;
  let sum = 0n;
  for (let odd = 3n; term > 0n; odd += 2n) {
    sum += term;
    term = multiply(term, square) / odd;
  }
  return sum;
}

/** φ(x) = exp(-x²/2)/√(2π), the standard normal density, for |x| <= 16. Error as of `exp`, and one unit. */
export function normalDensity(x: bigint): bigint {
  return multiply(exp(-(multiply(x, x) >> 1n)), INVERSE_SQRT_TWO_PI);
}

/** 1/√(2π) · 2^256, rounded down. The test recomputes it by Machin's formula for π. */
const INVERSE_SQRT_TWO_PI = 46194360132781112550002021175736725500524138381534012844286371432913401257262n;

/**
 * ln(numerator/denominator) of two positive whole numbers. Error below 2^-230, and 2^-240 of the result.
 *
 * A power of two is taken out so that a ratio m of 1 .. 2 is left; ln m = 2·artanh((m - 1)/(m + 1)), whose series gains
 * three bits a term.
 */
export function logarithm(numerator: bigint, denominator: bigint): bigint {
  const shift = bitLength(numerator) - bitLength(denominator);
  const ratio =
    shift >= 0
      ? fraction(numerator, denominator << BigInt(shift))
      : fraction(numerator << BigInt(-shift), denominator);
  return BigInt(shift) * LN_2 + twiceArtanh(fraction(ratio - ONE, ratio + ONE));
}

function twiceArtanh(z: bigint): bigint {
  const square = multiply(z, z);
  let power = 2n * z;
  let sum = 0n;
  for (let odd = 1n; power / odd !== 0n; odd += 2n) {
    sum += power / odd;
    power = multiply(power, square);
  }
  return sum;
}

const LN_2 = twiceArtanh(ONE / 3n);

/** Binary digits of a positive whole number. */
export function bitLength(value: bigint): number {
  const hex = value.toString(16);
  return 4 * (hex.length - 1) + (32 - Math.clz32(Number.parseInt(hex[0]!, 16)));
}

/** e^x for 0 <= x < 2^20 as mantissa · 2^exponent, the mantissa a fixed-point number of 1 .. 2. Never too small. */
export function expUp(x: bigint): { readonly mantissa: bigint; readonly exponent: bigint } {
  const exponent = x / LN_2;
  const mantissa = exp(x - exponent * LN_2);
  return { mantissa: mantissa + (mantissa >> 200n) + 1n, exponent };
}
