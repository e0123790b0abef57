import { describe, expect, it } from 'vitest';
import { createAdam } from '../../../../fl/index.js';

const slope = (value: number) => Float64Array.of(value);

describe('Adam', () => {
  it('moves by its rate at first, whatever the gradient’s length', () => {
    for (const [gradient, end] of [
      [1e-3, 0.9],
      [-50, 1.1],
    ] as const) {
      const weights = Float64Array.of(1);
      createAdam(1, { rate: 0.1 })(weights, slope(gradient));
      expect(weights[0]).toBeCloseTo(end, 5);
    }
  });

  it('is algorithm 1 in its second step', () => {
    const weights = Float64Array.of(1);
    const move = createAdam(1, { rate: 0.1, momentum: 0.5 });
    move(weights, slope(2));
    move(weights, slope(-1));
    // m = (0.5·1 − 0.5) / (1 − 0.25) = 0: the second step moves nothing.
    expect(weights[0]).toBeCloseTo(0.9, 6);
    move(weights, slope(3));
    const [mean, square] = [1.5 / (1 - 0.125), (0.001 * (4 * 0.999 ** 2 + 0.999 + 9)) / (1 - 0.999 ** 3)];
    expect(weights[0]).toBeCloseTo(0.9 - (0.1 * mean) / Math.sqrt(square), 6);
  });

  it('takes rate · decay off the weights beside the gradient', () => {
    const weights = Float64Array.of(2);
    createAdam(1, { rate: 0.1, decay: 0.5 })(weights, slope(0));
    expect(weights[0]).toBeCloseTo(1.9, 12);
  });
});
