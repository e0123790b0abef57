/**
 * Step of Adam with its usual constants, and weights that decay by rate · decay a step.
 * Source: Kingma and Ba 2015, algorithm 1; Loshchilov and Hutter 2019 (decay beside the gradient).
 */
export function createAdam(
  size: number,
  rate: number,
  decay: number,
): (weights: Float64Array, gradient: Float64Array) => void {
  const [first, second] = [new Float64Array(size), new Float64Array(size)];
  const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-8];
  let [left1, left2] = [1, 1];
  return (weights, gradient) => {
    left1 *= beta1;
    left2 *= beta2;
    for (let at = 0; at < size; at++) {
      const slope = gradient[at]!;
      first[at] = beta1 * first[at]! + (1 - beta1) * slope;
      second[at] = beta2 * second[at]! + (1 - beta2) * slope * slope;
      const step = first[at]! / (1 - left1) / (Math.sqrt(second[at]! / (1 - left2)) + epsilon);
      weights[at]! -= rate * (step + decay * weights[at]!);
    }
  };
}
