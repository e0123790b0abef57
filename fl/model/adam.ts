export interface AdamOptions {
  readonly rate: number;
  /** How much of the gradients' mean is kept from step to step; 0.9 if not given. DCGAN takes 1/2 (arXiv:1511.06434). */
  readonly momentum?: number;
  /** Weights lose rate · decay of themselves a step, beside the gradient (Loshchilov and Hutter 2019); 0 if not given. */
  readonly decay?: number;
}

/** Moves weights by a gradient, in place. */
export type Mover = (weights: Float32Array | Float64Array, gradient: Float64Array) => void;

const SECOND_MOMENT = 0.999;
const EPSILON = 1e-8;

/**
 * Adam for `size` weights, of whoever trains alone. The step that nodes agree on is another one
 * (fl/aggregation/server).
 *
 * Source: Kingma and Ba 2015, arXiv:1412.6980, algorithm 1.
 */
export function createAdam(size: number, { rate, momentum = 0.9, decay = 0 }: AdamOptions): Mover {
  const [first, second] = [new Float64Array(size), new Float64Array(size)];
  let [firstLeft, secondLeft] = [1, 1];
  return (weights, gradient) => {
    firstLeft *= momentum;
    secondLeft *= SECOND_MOMENT;
    for (let at = 0; at < size; at++) {
      const slope = gradient[at]!;
      first[at] = momentum * first[at]! + (1 - momentum) * slope;
      second[at] = SECOND_MOMENT * second[at]! + (1 - SECOND_MOMENT) * slope * slope;
      const scale = Math.sqrt(second[at]! / (1 - secondLeft)) + EPSILON;
      weights[at]! -= rate * (first[at]! / (1 - firstLeft) / scale + decay * weights[at]!);
    }
  };
}
