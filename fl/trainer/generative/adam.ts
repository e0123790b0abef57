/** Moves weights by gradients, in place. Post-processing where the gradients are noised. */
export type Mover = (weights: Float32Array, gradient: Float64Array) => void;

const EPSILON = 1e-8;

/** Adam. Source: Kingma and Ba 2015, arXiv:1412.6980, algorithm 1. DCGAN takes momentum 1/2 (arXiv:1511.06434). */
export function createAdam(dimension: number, learningRate: number, momentum = 0.9, decay = 0.999): Mover {
  const first = new Float64Array(dimension);
  const second = new Float64Array(dimension);
  let [firstLeft, secondLeft] = [1, 1];
  return (weights, gradient) => {
    firstLeft *= momentum;
    secondLeft *= decay;
    for (let at = 0; at < dimension; at++) {
      const slope = gradient[at]!;
      first[at] = momentum * first[at]! + (1 - momentum) * slope;
      second[at] = decay * second[at]! + (1 - decay) * slope * slope;
      const scale = Math.sqrt(second[at]! / (1 - secondLeft)) + EPSILON;
      weights[at]! -= (learningRate * first[at]!) / (1 - firstLeft) / scale;
    }
  };
}
