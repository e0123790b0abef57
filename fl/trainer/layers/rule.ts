import type { RandomBytes } from '../../../crypto/index.js';
import type { Shape } from '../../index.js';

/**
 * Each record's gradient of one layer's weights, from `offset` of the flat vector on.
 *
 * outer: inputs ⊗ deltas for the kernel [inputs, units] and the deltas for the bias: the factors, [rows][inputs] and
 * [rows][units], are all that clipping needs, so the gradients are not built.
 * rows: the gradients themselves, [rows][width]; entry `at` is that of weight places[at] of the layer's own (no places: of
 * weight `at`; NO_PLACE: of none).
 */
export type GradientPart =
  | {
      readonly kind: 'outer';
      readonly offset: number;
      readonly inputs: number;
      readonly units: number;
      readonly a: Float32Array;
      readonly d: Float32Array;
    }
  | {
      readonly kind: 'rows';
      readonly offset: number;
      readonly width: number;
      readonly places: Uint32Array | null;
      readonly g: Float32Array;
    };

/** In `places`: filling, whose gradient is zero. */
export const NO_PLACE = 2 ** 32 - 1;

/** A layer of one pass: `rows` records, values [rows][size], row-major. */
export interface Call<L> {
  readonly layer: L;
  readonly input: Shape;
  readonly output: Shape;
  readonly offset: number;
  readonly rows: number;
  readonly x: Float32Array;
  /** The layer's own. */
  readonly weights: Float32Array;
  /** What is dropped; null: nothing. */
  readonly random: RandomBytes | null;
}

/** Derivative of each record's loss by a layer's values, [rows][size]: by all of them, or by the few that decide it. */
export type Slopes = Float32Array | FewSlopes;

/** The others are zero: behind a maximum of four, three of four. */
export interface FewSlopes {
  /** rows · size: how many there are with the zeros. */
  readonly length: number;
  /** [rows][few], each a place of [rows][size], none twice; entry `at` of a record in channel at % channels. */
  readonly places: Uint32Array;
  readonly values: Float32Array;
}

/** With the zeros, for layers that make no difference. */
export function allSlopes(d: Slopes): Float32Array {
  if (d instanceof Float32Array) return d;
  const { length, places, values } = d;
  const all = new Float32Array(length);
  for (let at = 0; at < values.length; at++) all[places[at]!] = values[at]!;
  return all;
}

export interface Forward {
  readonly out: Float32Array;
  /**
   * `d`: derivative of each record's loss by the layer's values, [rows][output]. Gives the gradient of the layer's
   * weights (null: it has none) and, if asked, the derivative by what went in, [rows][input].
   */
  backward(d: Slopes, wantsInput: boolean): Backward;
}

export interface Backward {
  readonly part: GradientPart | null;
  readonly dx: Slopes | null;
}

/** How a kind of layer is trained: one file here, its rule in fl/model/layers. */
export interface TrainLayer<L> {
  run(call: Call<L>): Forward;
  /** Floats that it holds for one record beside its output: bounds how many records go through at once. */
  floats(layer: L, input: Shape): number;
}
