import { strict as assert } from 'node:assert';
import type { Grid } from '../../grid/grid.js';

export const CLIP16_MAX = 2 ** 31 - 1;
/** Of any rule; a rule may allow less. */
export const AIM16_MAX = 2 ** 24;
export const RATE16_MAX = 2 ** 16;

/** What a task fixes of its clipping. Units of 2^-16. */
export interface ClippingParams {
  /** The threshold of round 1, and the most of any round. 1 .. 2^31 - 1. */
  readonly clip16: number;
  /** The least of any round, 1 .. clip16. */
  readonly clipMin16: number;
  /**
   * How fast the rule follows, 1 .. 2^16: γ of `adaptive`, the learning rate of `quantile`; what `search` multiplies C
   * with, at most 2^16 - 1.
   */
  readonly rate16: number;
  /** What it aims at: β of `adaptive`, 1 .. 2^24; of the others the share of units to leave unclipped, 1 .. 2^16 - 1. */
  readonly aim16: number;
}

/** Where a rule stands before a round: part of the round's public state, so every node computes the next one alike. */
export interface Clipping {
  readonly clip16: number;
  /** What the rule remembers, in units of its own. */
  readonly memory: bigint;
}

/** What a closed round has released: already noised, so looking at it costs no privacy. */
export interface ClippingRelease {
  /** The grid that the round's updates lived on. */
  readonly grid: Grid;
  /** Squared norm of the sum of the updates that qualified, in wire units squared. */
  readonly squaredNorm: bigint;
  /** Updates in that sum, at least 1. */
  readonly devices: number;
  /** What the sum is divided by: the units that these devices enrolled with; for unit `device` their number. */
  readonly divisor: number;
  /**
   * How many of a unit's clipped gradients the sum holds on average, in 2^-32: 2^32 for one step over all units, K times
   * that for K plain ones.
   */
  readonly gradients32: number;
  /** How many units were asked for the count, on average: the divisor where none are drawn. */
  readonly asked: number;
  /** Sum over units of +1 (not clipped) or -1 (clipped), noised by each device; null where the task doesn't ask. */
  readonly signedCount: number | null;
}

/**
 * How the threshold C_t follows from what was released before. Whole numbers throughout; what a rule computes is
 * post-processing, except for `signedCount`, which is a query of its own and charged (`countRho`).
 */
export interface ClippingRule {
  readonly asksForCount: boolean;
  /** A round in which the threshold falls leaves the model and what the server's step keeps as they were. */
  readonly leavesOutFalls: boolean;
  /** The most that `aim16` may be. */
  readonly aim16Max: number;
  /** The most that `rate16` may be. */
  readonly rate16Max: number;
  start(params: ClippingParams): Clipping;
  next(params: ClippingParams, before: Clipping, release: ClippingRelease): Clipping;
}

/** Asserts ranges that contracts check at publication. */
export function assertClipping({ clip16, clipMin16, rate16, aim16 }: ClippingParams): void {
  assertWhole(clip16, 1, CLIP16_MAX, 'clip16');
  assertWhole(clipMin16, 1, clip16, 'clipMin16');
  assertWhole(rate16, 1, RATE16_MAX, 'rate16');
  assertWhole(aim16, 1, AIM16_MAX, 'aim16');
}

/** The nearest threshold that the task allows. */
export function clampClip(value: bigint, { clip16, clipMin16 }: ClippingParams): number {
  if (value <= BigInt(clipMin16)) return clipMin16;
  return value >= BigInt(clip16) ? clip16 : Number(value);
}

function assertWhole(value: number, low: number, high: number, name: string): void {
  assert.ok(Number.isInteger(value) && value >= low && value <= high, `${name} out of range: ${value}`);
}
