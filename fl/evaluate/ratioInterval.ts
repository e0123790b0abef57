/** Two-sided 95 %. */
export const Z95 = 1.959964;
/** Two-sided 97.5 %: two of these together are at least 95 %. */
export const Z975 = 2.241403;

export interface Range {
  readonly low: number;
  readonly high: number;
}

/** (numerator − θ·denominator) has mean 0 at the true θ, and this variance: constant − 2·linear·θ + square·θ². */
export interface RatioMoments {
  readonly numerator: number;
  readonly denominator: number;
  readonly constant: number;
  readonly linear: number;
  readonly square: number;
}

/**
 * The θ within 0 .. 1 for which numerator − θ·denominator is not further from 0 than z standard deviations. Right at any
 * amount of noise: where the denominator itself can't be told from 0, all of 0 .. 1.
 * Source: Fieller 1954.
 */
export function ratioInterval(moments: RatioMoments, z: number): Range {
  const { numerator, denominator, constant, linear, square } = moments;
  const a = denominator ** 2 - z * z * square;
  const b = numerator * denominator - z * z * linear;
  const c = numerator ** 2 - z * z * constant;
  const root = b * b - a * c;
  if (!(a > 0) || !(denominator > 0) || !(root >= 0)) return { low: 0, high: 1 };
  const [low, high] = [(b - Math.sqrt(root)) / a, (b + Math.sqrt(root)) / a];
  return { low: unit(low), high: unit(high) };
}

/** Cut to 0 .. 1. */
export function unit(value: number): number {
  return Math.min(1, Math.max(0, value));
}
