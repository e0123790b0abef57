import { beforeAll, describe, expect, it } from 'vitest';
import { drbg, utf8ToBytes } from '../../../../crypto/index.js';
import {
  checkLocalWork,
  commonControl,
  createGrid,
  decodeUpdate,
  type LocalWork,
  localSteps,
  normCapSquared,
  oneStep,
  ownControl,
  roundGrid,
  squaredNorm,
  wireStep,
} from '../../../../fl/index.js';
import { type Batch, gradientSum, startBackend, trainStep } from '../../../../fl/trainer/index.js';

const params = { dimension: 3, clip16: 65_536, sigma16: 0 };
const noisy = { ...params, sigma16: 3 * 65_536 };
const work = (step: LocalWork['step'], steps: number, changes: Partial<LocalWork> = {}): LocalWork => ({
  ...oneStep,
  step,
  steps,
  learningRate16: 16_384,
  ...changes,
});

const random = drbg(utf8ToBytes('local steps'));
const rows = 40;
const batch = {
  model: { inputs: 2, layers: [{ kind: 'dense', units: 1, activation: 'linear' } as const] },
  weights: Float32Array.of(0.5, -0.25, 0.125),
  x: Float32Array.from(random(2 * rows), (byte) => (byte - 128) / 64),
  y: Float32Array.from(random(rows), (byte) => byte % 2),
};

beforeAll(startBackend);

describe('local steps', () => {
  it.each(Object.entries(localSteps))('%s knows its name', (name, rule) => expect(rule.name).toBe(name));

  it('a round of K steps is one release of K·C with noise σ√K, which costs as much', () => {
    const grid = roundGrid(noisy, work('fedavg', 4));
    expect(grid).toEqual(createGrid({ dimension: 3, clip16: 4 * 65_536, sigma16: 1.5 * 65_536 }));
    expect(roundGrid(noisy, oneStep)).toEqual(createGrid(noisy));
  });

  it('a shrinking step counts for less: FedProx with ηµ = 1/2', () => {
    // Weights 1/4, 1/2, 1: sum 7/4, squares 21/16.
    const grid = roundGrid(noisy, work('fedprox', 3, { learningRate16: 32_768, proximal16: 65_536 }));
    expect(grid.clip16).toBe((65_536 * 7) / 4);
    expect(grid.sigma16).toBe(Math.round((3 * 65_536 * Math.sqrt(21 / 16)) / (7 / 4)));
  });

  it.each([
    ['fedsgd', oneStep, noisy, null],
    ['two steps of fedsgd', { ...oneStep, steps: 2 }, noisy, /one step/],
    ['a proximal term of fedavg', work('fedavg', 2, { proximal16: 1 }), noisy, /no proximal/],
    [
      'a spring too strong',
      work('fedprox', 2, { learningRate16: 65_537, proximal16: 65_536 }),
      noisy,
      /at most 1/,
    ],
    [
      'a spring as strong as can be',
      work('fedprox', 2, { learningRate16: 65_536, proximal16: 65_536 }),
      noisy,
      null,
    ],
    ['inner steps without noise', work('fedavg', 2, { noise: 'once' }), noisy, /bounds nothing/],
    [
      'the same on public data, where no step has any',
      work('fedavg', 2, { noise: 'once' }),
      params,
      /every step/,
    ],
    [
      'more than the lattice holds',
      work('fedavg', 1_000),
      { ...noisy, clip16: 2 ** 31 - 1 },
      /leave the lattice/,
    ],
  ] as const)('%s', (_, of, on, expected) => {
    const problem = checkLocalWork(of, on, 'record');
    if (expected === null) expect(problem).toBeNull();
    else expect(problem).toMatch(expected);
  });

  const trained = (
    of: LocalWork,
    on = params,
    control: { own: Float64Array; all: Float64Array } | null = null,
  ) => {
    const grid = createGrid(on);
    const { update } = trainStep(
      { ...batch, grid, local: { work: of, control } },
      drbg(utf8ToBytes('noise')),
    );
    const unpacked = decodeUpdate(update, roundGrid(on, of));
    if (!unpacked.ok) throw new Error(unpacked.reason);
    return unpacked.wire;
  };
  /** The same in plain floats: what travels, real units. */
  const reference = (
    of: LocalWork,
    pull: (weights: Float32Array, index: number) => number,
    data: Batch = batch,
  ) => {
    let weights = batch.weights;
    const sums: Float64Array[] = [];
    for (let step = 0; step < of.steps; step++) {
      const { sum } = gradientSum({ ...data, weights }, 65_536);
      sums.push(sum);
      const rate = of.learningRate16 / 65_536;
      weights = weights.map((weight, index) => weight - rate * (sum[index]! / rows + pull(weights, index)));
    }
    const gone = batch.weights.map((weight, index) => weight - weights[index]!);
    return { sums, gone };
  };

  it('FedAvg sends the sum of its steps: the distance gone, times N / η', () => {
    const of = work('fedavg', 5);
    const { gone } = reference(of, () => 0);
    const step = wireStep(roundGrid(params, of));
    for (const [index, entry] of trained(of).entries())
      expect(Math.abs((entry * step * 0.25) / rows - gone[index]!)).toBeLessThan(0.001);
  });

  it('class weights count in each step', () => {
    const of = work('fedavg', 5);
    const weighted = { ...batch, classWeights: [0.25, 2] };
    const travels = roundGrid(params, of);
    const sent = trainStep(
      { ...weighted, grid: createGrid(params), local: { work: of, control: null } },
      random,
    );
    const decoded = decodeUpdate(sent.update, travels);
    if (!decoded.ok) throw new Error(decoded.reason);
    const { sums } = reference(of, () => 0, weighted);
    for (const [index, entry] of decoded.wire.entries()) {
      const total = sums.reduce((sum, part) => sum + part[index]!, 0);
      expect(Math.abs(entry * wireStep(travels) - total)).toBeLessThan(0.05);
    }
    expect(decoded.wire).not.toEqual(trained(of));
  });

  it('FedProx sends the distance gone, spring and all', () => {
    const of = work('fedprox', 5, { proximal16: 2 * 65_536 });
    const { gone } = reference(of, (weights, index) => 2 * (weights[index]! - batch.weights[index]!));
    const plain = reference(work('fedavg', 5), () => 0).gone;
    const step = wireStep(roundGrid(params, of));
    for (const [index, entry] of trained(of).entries()) {
      expect(Math.abs((entry * step * 0.25) / rows - gone[index]!)).toBeLessThan(0.001);
      expect(Math.abs(gone[index]!)).toBeLessThan(Math.abs(plain[index]!));
    }
  });

  it('SCAFFOLD steps by c - c_k and sends the gradients alone', () => {
    const of = work('scaffold', 5);
    const control = { own: Float64Array.of(0.3, 0, -0.1), all: Float64Array.of(-0.2, 0.1, 0) };
    const { sums } = reference(of, (_, index) => control.all[index]! - control.own[index]!);
    const step = wireStep(roundGrid(params, of));
    const wire = trained(of, params, control);
    for (const [index, entry] of wire.entries()) {
      const total = sums.reduce((sum, part) => sum + part[index]!, 0);
      expect(Math.abs(entry * step - total)).toBeLessThan(0.05);
    }
    expect(wire).not.toEqual(trained(of));
    expect(trained(of)).toEqual(trained({ ...of, step: 'fedavg' }));
    // The next round's variate is the mean of these gradients.
    const own = ownControl(wire, rows, roundGrid(params, of), of);
    for (const [index, entry] of own.entries())
      expect(entry).toBeCloseTo((wire[index]! * step) / (5 * rows), 12);
    expect([...commonControl(Float32Array.of(5, -10, 0), of)]).toEqual([1, -2, 0]);
  });

  it('each step has noise of its own: the update holds K times the variance of one', () => {
    // Mean of squares over many entries, noise far above the signal; σ = 3, C = 1, N small.
    const steps = 9;
    const of = work('fedavg', steps, { learningRate16: 1 });
    const variance = (local: LocalWork) => {
      const grid = createGrid({ ...params, sigma16: 300 * 65_536 });
      const travels = roundGrid({ ...params, sigma16: 300 * 65_536 }, local);
      const step = wireStep(travels);
      let squares = 0;
      const source = drbg(utf8ToBytes(`variance ${local.steps}`));
      for (let run = 0; run < 40; run++) {
        const { update } = trainStep({ ...batch, grid, local: { work: local, control: null } }, source);
        const unpacked = decodeUpdate(update, travels);
        if (!unpacked.ok) throw new Error(unpacked.reason);
        for (const entry of unpacked.wire) squares += (entry * step) ** 2;
      }
      return squares / 120 / 300 ** 2;
    };
    expect(variance(work('fedavg', 1))).toBeGreaterThan(0.6);
    expect(variance(work('fedavg', 1))).toBeLessThan(1.6);
    expect(variance(of) / steps).toBeGreaterThan(0.6);
    expect(variance(of) / steps).toBeLessThan(1.6);
  });

  it('what a device sends is under the norm cap of the round, and would not be under that of one step', () => {
    const of = work('fedavg', 50, { learningRate16: 1 });
    const far = {
      ...batch,
      weights: Float32Array.of(900, 900, 900),
      y: new Float32Array(rows),
      x: batch.x.map(Math.abs),
    };
    const { update } = trainStep(
      { ...far, grid: createGrid(params), local: { work: of, control: null } },
      random,
    );
    const grid = roundGrid(params, of);
    const unpacked = decodeUpdate(update, grid);
    if (!unpacked.ok) throw new Error(unpacked.reason);
    const squared = squaredNorm(unpacked.wire);
    expect(squared <= normCapSquared(grid, rows)).toBe(true);
    expect(squared > normCapSquared({ ...grid, clip16: 65_536 }, rows)).toBe(true);
  });
});
