import { evaluate, initialWeights, type ModelSpec } from '../../../fl/index.js';
import { TrainerPool } from '../../../fl/trainer/index.js';
import type { Encoded } from '../../provision/index.js';

const STEPS = 1_000;

/**
 * Test accuracy of the same model, trained in one place on all training rows, without clipping or noise, until
 * it hardly moves: what the network is measured against.
 *
 * Full-batch gradient descent with step 4 / mean(‖x‖² + 1), at most 1: that is at most one over the
 * smoothness of the logistic loss, so a linear model's loss falls in every step whatever the data.
 */
export async function centralAccuracy(
  model: ModelSpec,
  weightsSeed: Uint8Array,
  train: Encoded,
  test: Encoded,
): Promise<number> {
  const pool = new TrainerPool({ threads: 1, queueMax: 1 });
  try {
    const weights = await pool.descend({
      model,
      weights: initialWeights(model, weightsSeed),
      x: train.x,
      y: train.y,
      learningRate: Math.min(1, 4 / (meanSquaredNorm(train) + 1)),
      steps: STEPS,
    });
    return evaluate(model, weights, test.x, test.y).accuracy;
  } finally {
    await pool.close();
  }
}

function meanSquaredNorm({ x, rows }: Encoded): number {
  return x.reduce((sum, value) => sum + value * value, 0) / rows;
}
