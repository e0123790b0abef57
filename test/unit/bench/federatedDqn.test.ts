import { describe, expect, it } from 'vitest';
import { defaultWorld, makeArea } from '../../../bench/study/areas.js';
import { defaultFederated, federateDqn } from '../../../bench/study/federatedDqn.js';
import { createNet } from '../../../bench/study/net.js';
import { sha256, utf8ToBytes } from '../../../crypto/index.js';
import { initialWeights, predict } from '../../../fl/index.js';
import { createNetwork, createRandom, featureNames, labelledRows, shapeOf } from '../../../pmta/index.js';

const world = { ...defaultWorld, providers: 30, windows: 4, pieces: 10 };
const areas = Array.from({ length: 9 }, (_, at) => makeArea(world, `test/${at}`));
const heldOut = [makeArea(world, 'test/held out')];
const setting = { ...defaultFederated, tasks: 2, rounds: 8 };

const learner = createNet(featureNames.length, setting.hidden, 1);
const start = initialWeights(learner.model, sha256(utf8ToBytes('bench/weights')));
const rowsOf = (at: number, task = 0, target: Float64Array | null = null) => {
  const random = createRandom(sha256(utf8ToBytes(`bench/federated-dqn/name/${task}/train/${at}`)));
  return labelledRows(areas[at]!, setting.hidden, target, setting.discount, random);
};

describe('the Q-network of several areas', () => {
  it('is the chain’s model: same layout, same values', () => {
    const { x } = rowsOf(0);
    const network = createNetwork(shapeOf(setting.hidden));
    const values = predict(learner.model, start, x.slice(0, 20 * featureNames.length));
    for (const [at, value] of values.entries()) {
      const row = Float64Array.from(x.subarray(at * featureNames.length, (at + 1) * featureNames.length));
      expect(network.value(Float64Array.from(start), row)).toBeCloseTo(value, 12);
    }
  });

  it('has the gradient of the ordinary loss of a task', () => {
    const { x, y } = rowsOf(0);
    const network = createNetwork(shapeOf(setting.hidden));
    const weights = Float64Array.from(start);
    const sum = new Float64Array(weights.length);
    for (const [at, label] of y.entries()) {
      const row = Float64Array.from(x.subarray(at * featureNames.length, (at + 1) * featureNames.length));
      network.addGradient(weights, row, label, 1, sum);
    }
    const chain = learner.gradientSum(weights, { x, y }, 1e9);
    for (const [at, slope] of sum.entries()) expect(slope).toBeCloseTo(chain[at]!, 9);
  });

  it.each([3, 5, 9])('steps by the mean over %i areas (equation 10)', (count) => {
    const one = { ...setting, tasks: 1, rounds: 1 };
    const { weights } = federateDqn(areas.slice(0, count), heldOut, one, 'name');
    const mean = new Float64Array(start.length);
    let rows = 0;
    for (let at = 0; at < count; at++) {
      const records = rowsOf(at);
      rows += records.y.length;
      for (const [index, slope] of learner.gradientSum(start, records, one.clip).entries())
        mean[index]! += slope;
    }
    for (const [at, weight] of weights.entries())
      expect(Math.abs(weight - (start[at]! - (one.learningRate * mean[at]!) / rows))).toBeLessThan(1e-3);
    expect(weights).not.toEqual(Float64Array.from(start));
  });

  it('labels a task by the model of the one before', () => {
    const one = { ...setting, rounds: 1 };
    const first = federateDqn(areas.slice(0, 3), heldOut, { ...one, tasks: 1 }, 'name').weights;
    const second = federateDqn(areas.slice(0, 3), heldOut, { ...one, tasks: 2 }, 'name').weights;
    const shards = [0, 1, 2].map((at) => rowsOf(at, 1, first));
    const rows = shards.reduce((sum, { y }) => sum + y.length, 0);
    const sums = shards.map((records) => learner.gradientSum(start, records, one.clip));
    for (const [at, weight] of second.entries()) {
      const mean = sums.reduce((sum, gradient) => sum + gradient[at]!, 0) / rows;
      expect(Math.abs(weight - (start[at]! - one.learningRate * mean))).toBeLessThan(1e-3);
    }
  });

  it.each([3, 5, 9])('learns from %i areas, task after task', (count) => {
    const own = areas.slice(0, count);
    const run = federateDqn(own, heldOut, setting, 'learn');
    expect(run.trace).toHaveLength(setting.tasks * setting.rounds);
    // Each task begins anew, and learns.
    for (let task = 0; task < setting.tasks; task++) {
      const own = run.trace.slice(task * setting.rounds, (task + 1) * setting.rounds);
      expect(own.at(-1)!.loss).toBeLessThan(own[0]!.loss);
    }
    expect(federateDqn(own, heldOut, setting, 'learn')).toEqual(run);
  });
});
