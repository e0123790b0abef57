import { strict as assert } from 'node:assert';

/** Rounds of one mechanism: what every accountant is asked about. */
export interface SampledGaussian {
  /** Noise multiplier σ: standard deviation over sensitivity, 1/16 .. 2^20. */
  readonly sigma: number;
  /** Share of secret, independent (Poisson) sampling of records, 0 < rate <= 1. 1: every record, every round. */
  readonly rate: number;
  /** 1 .. 10^7. */
  readonly rounds: number;
}

export const SIGMA_MIN = 1 / 16;
export const SIGMA_MAX = 2 ** 20;
export const ROUNDS_MAX = 10_000_000;

/** Asserts the ranges of `SampledGaussian`: whoever takes them from outside checks first. */
export function assertSampledGaussian({ sigma, rate, rounds }: SampledGaussian): void {
  assert.ok(sigma >= SIGMA_MIN && sigma <= SIGMA_MAX, `noise multiplier out of range: ${sigma}`);
  assert.ok(rate > 0 && rate <= 1, `sampling rate out of range: ${rate}`);
  assert.ok(
    Number.isInteger(rounds) && rounds >= 1 && rounds <= ROUNDS_MAX,
    `rounds out of range: ${rounds}`,
  );
}

export function assertDelta(delta: number): void {
  assert.ok(delta >= 1e-12 && delta < 1, `δ out of range: ${delta}`);
}
