import { describe, expect, it } from 'vitest';
import {
  allocateArea,
  createNetwork,
  createRandom,
  createReplayBuffer,
  defaultDqn,
  evidenceOf,
  featureNames,
  greedyClasses,
  labelledRows,
  lessonsOf,
  type ReadPiece,
  randomClasses,
  runEpisode,
  shapeOf,
  shareOfCosts,
  startWeights,
  type Transition,
  targetOf,
  trainDqn,
  weightCount,
} from '../../../pmta/index.js';
import { seed } from './graphs.js';

const piece = (window: number, readers: readonly number[], ...named: readonly number[]): ReadPiece => ({
  window,
  readers,
  named,
});

describe('evidence', () => {
  it('counts reports by what was read, beside the area’s mean, with a prior', () => {
    const { named } = evidenceOf([piece(0, [0, 1], 0), piece(0, [0, 2]), piece(0, [1, 2])], 4);
    // One report in 6 reads: r = 1/6; (1 + 4 r) / (2 + 4) / r, (0 + 4 r) / 6 / r, without a read 1.
    expect([...named].map((rate) => rate.toFixed(4))).toEqual(['1.6667', '0.6667', '0.6667', '1.0000']);
  });

  it('suspects who is reported beside the often reported less', () => {
    const often = [piece(0, [0, 1], 0), piece(0, [0, 2], 0), piece(0, [0, 3], 0)];
    const { named, suspicion } = evidenceOf([...often, piece(0, [0, 4], 4), piece(0, [5, 6], 6)], 7);
    expect(named[4]).toBe(named[6]);
    expect(suspicion[4]).toBeLessThan(suspicion[6]!);
  });

  it('counts each of several who were reported for one piece', () => {
    const { named, suspicion } = evidenceOf([piece(0, [0, 1, 2], 0, 1), piece(0, [0, 1, 3], 3)], 4);
    // Three reports in 6 reads: r = 1/2; (1 + 4 r) / (2 + 4) / r, (0 + 4 r) / 5 / r, (1 + 4 r) / 5 / r.
    expect([...named].map((rate) => rate.toFixed(4))).toEqual(['1.0000', '1.0000', '0.8000', '1.2000']);
    // Two reports are shared by 1, 1 and 0.8, one by 1, 1 and 1.2.
    const blame = 2 / 2.8 + 1 / 3.2;
    expect(suspicion[0]).toBeCloseTo((blame + 4 / 2) / 6 / (1 / 2), 12);
  });

  it('says nothing of anybody where nothing was reported', () => {
    expect([...evidenceOf([piece(0, [0, 1])], 2).named]).toEqual([1, 1]);
    expect([...evidenceOf([], 2).suspicion]).toEqual([1, 1]);
  });

  it.each([[piece(0, [2])], [piece(0, [-1])], [piece(0, [0.5])], [piece(0, [0], 1)]])(
    'refuses what cannot be',
    (wrong) => {
      expect(() => evidenceOf([wrong], 2)).toThrow(RangeError);
    },
  );
});

describe('the network', () => {
  const shape = { inputs: 3, hidden: [4, 3] };
  const network = createNetwork(shape);
  const row = Float64Array.of(0.5, -1, 2);

  it('has the gradient that differences give, at every weight', () => {
    // Away from the kinks of relu, at which differences are not the slope.
    const weights = startWeights(shape, createRandom(seed('gradient'))).map((weight) => weight + 0.2);
    const gradient = new Float64Array(weightCount(shape));
    network.addGradient(weights, row, 0.3, 2, gradient);
    const lossAt = (at: number, by: number) => {
      const moved = weights.map((weight, index) => (index === at ? weight + by : weight));
      return network.addGradient(moved, row, 0.3, 1, new Float64Array(moved.length));
    };
    expect(gradient.some((slope) => slope !== 0)).toBe(true);
    for (const [at, slope] of gradient.entries())
      expect(slope).toBeCloseTo((lossAt(at, 1e-5) - lossAt(at, -1e-5)) / 1e-5, 6);
  });

  it('values rows within 0 to 1, and refuses a row of another width', () => {
    const weights = new Float64Array(weightCount(shape)).fill(9);
    expect(network.value(weights, row)).toBeLessThanOrEqual(1);
    expect(network.value(new Float64Array(weights.length), row)).toBe(0.5);
    expect(() => network.value(weights, Float64Array.of(1))).toThrow(RangeError);
  });
});

describe('the replay buffer', () => {
  it('keeps the newest, and draws all of them', () => {
    const buffer = createReplayBuffer<number>(3);
    const random = createRandom(seed('replay'));
    expect(() => buffer.draw(random)).toThrow(RangeError);
    for (const one of [1, 2, 3, 4, 5]) buffer.push(one);
    expect(buffer.length).toBe(3);
    expect(new Set(Array.from({ length: 100 }, () => buffer.draw(random)))).toEqual(new Set([3, 4, 5]));
    expect(() => createReplayBuffer(0)).toThrow(RangeError);
  });
});

describe('an allocation', () => {
  const area = { clusters: [0, 0, 0, 1, 1, 1], sizes: [2, 2, 2], readers: 2 };
  const evidence = evidenceOf([piece(0, [0, 1, 2], 1)], 6);
  const first = (_: unknown, { remaining }: { remaining: readonly number[] }) => remaining[0]!;

  it('gives each provider one place, and each class its size', () => {
    const { classes, transitions } = runEpisode(area, evidence, null, first);
    expect([...classes]).toEqual([1, 1, 2, 2, 3, 3]);
    expect(transitions.map(({ action }) => action)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(transitions.at(-1)!.next.remaining).toEqual([]);
  });

  it('costs what the share of those reported grows by, up to that share', () => {
    const { transitions } = runEpisode(area, evidence, Uint8Array.of(1, 1, 1, 0, 0, 0), first);
    // 1 - (1 - m/2)², by 2 of the smallest class over 2 readers: 0.75 for one, 0.25 more for two.
    expect(transitions.map(({ cost }) => cost)).toEqual([0.75, 0.25, 0.75, 0, 0, 0]);
    expect(shareOfCosts(area, transitions)).toBeCloseTo((1 + 0.75 + 0) / 3, 12);
  });

  it('never shows what is reported later', () => {
    const marked = runEpisode(area, evidence, Uint8Array.of(1, 1, 1, 0, 0, 0), first).transitions;
    const plain = runEpisode(area, evidence, null, first).transitions;
    const shown = (all: readonly Transition[]) =>
      all.map(({ providers, state, next }) => ({ providers, state, next }));
    expect(shown(marked)).toEqual(shown(plain));
  });

  it.each([
    [{ ...area, sizes: [2, 2, 1] }],
    [{ ...area, sizes: [3, 3, 0] }],
    [{ ...area, sizes: [] }],
    [{ ...area, readers: 0 }],
  ])('refuses sizes that do not fit: %j', (wrong) => {
    expect(() => runEpisode(wrong, evidence, null, first)).toThrow(RangeError);
  });

  it('refuses an action that is none', () => {
    expect(() => runEpisode(area, evidence, null, () => 0)).toThrow(RangeError);
  });

  it('aims at the cost and at what the target network says of the best next action', () => {
    const { transitions } = runEpisode(area, evidence, Uint8Array.of(1, 0, 0, 0, 0, 0), first);
    const network = createNetwork(shapeOf([]));
    // 'named' alone, steeply: provider 1 was reported, the others less than the mean.
    const weights = new Float64Array(weightCount(shapeOf([])));
    weights[featureNames.indexOf('named')] = 2;
    const least = 1 / (1 + Math.exp(-2 * (Math.min(...evidence.named) - 1)));
    expect(targetOf(network, weights, transitions[0]!, 0.25)).toBeCloseTo(0.75 * 0.75 + 0.25 * least, 12);
    expect(targetOf(network, weights, transitions.at(-1)!, 0.25)).toBe(0);
    expect(targetOf(network, weights, transitions[0]!, 0)).toBe(0.75);
  });
});

/** 30 providers of whom the last nine are reported often; who reads is drawn. */
function plainLog(windows = 5) {
  const random = createRandom(seed('plain log'));
  const area = { clusters: new Uint8Array(30), sizes: [10, 10, 10], readers: 2 };
  const pieces: ReadPiece[] = [];
  for (let window = 0; window < windows; window++)
    for (let at = 0; at < 60; at++) {
      const [one, other] = [random.below(30), random.below(30)];
      if (one === other) continue;
      const worst = Math.max(one, other);
      const isLeak = random.unit() < (worst >= 21 ? 0.5 : 0.02);
      pieces.push(piece(window, [one, other], ...(isLeak ? [worst] : [])));
    }
  return { area, pieces };
}

describe('the Q-network of an area', () => {
  const options = { ...defaultDqn, episodes: 20 };
  const log = plainLog();

  it('learns from reports to put those together who leak', () => {
    const { classes, share } = allocateArea(
      { clusters: log.area.clusters, pieces: log.pieces },
      { shares: [1, 1, 1], readers: 2, dqn: options, network: null, seed: seed('learn') },
    );
    const last = [...classes.keys()].filter((provider) => classes[provider] === 3);
    expect(last.filter((provider) => provider >= 21).length).toBeGreaterThanOrEqual(8);
    expect(share.gated).toBeLessThan(0.75 * share.pool);
  });

  it('is the same from the same seed, and another from another', () => {
    const weightsOf = (name: string) => trainDqn(log, options, createRandom(seed(name))).weights;
    expect(weightsOf('a')).toEqual(weightsOf('a'));
    expect(weightsOf('a')).not.toEqual(weightsOf('b'));
  });

  it('copies the network into the target network every 𝒯 gradients, and no other way', () => {
    const trained = (change: object) =>
      trainDqn(log, { ...options, ...change }, createRandom(seed('target'))).weights;
    expect(trained({ targetEvery: 10 })).not.toEqual(trained({ targetEvery: 20 }));
    const never = trained({ targetEvery: 1e6 });
    expect(never).not.toEqual(trained({ targetEvery: 10 }));
    expect(trained({ targetEvery: 2e6 })).toEqual(never);
    // Without a future there is nothing that a target network could say.
    expect(trained({ targetEvery: 10, discount: 0 })).toEqual(trained({ targetEvery: 1e6, discount: 0 }));
  });

  it('takes a network that is trained already', () => {
    const { weights } = trainDqn(log, options, createRandom(seed('given')));
    const given = allocateArea(
      { clusters: log.area.clusters, pieces: log.pieces },
      { shares: [1, 1, 1], readers: 2, dqn: options, network: weights, seed: seed('other') },
    );
    expect(given.network).toBe(weights);
  });

  it('learns from one window what no other window showed it', () => {
    const lessons = lessonsOf(plainLog(3));
    expect(lessons).toHaveLength(3);
    const { pieces } = plainLog(3);
    const others = pieces.filter(({ window }) => window !== 1);
    expect(lessons[1]!.evidence).toEqual(evidenceOf(others, 30));
    expect(() => lessonsOf(plainLog(1))).toThrow(/at least 2/);
  });

  it.each([{ discount: 1 }, { discount: -0.1 }, { batch: 0 }, { targetEvery: 0 }, { episodes: 0.5 }])(
    'refuses options that make no sense: %j',
    (wrong) => {
      expect(() => trainDqn(log, { ...options, ...wrong }, createRandom(seed('x')))).toThrow(RangeError);
    },
  );
});

describe('rows for a task on the chain', () => {
  it('label a step 1 as often as its target says', () => {
    const log = plainLog();
    const random = createRandom(seed('rows'));
    const rows = Array.from({ length: 40 }, () => labelledRows(log, [], null, 0, random));
    expect(rows[0]!.x.length).toBe(150 * featureNames.length);
    const share = rows.reduce((sum, { y }) => sum + y.reduce((own, label) => own + label, 0), 0) / (40 * 150);
    const costs = Array.from({ length: 40 }, () =>
      lessonsOf(log).flatMap(({ evidence, reported }) =>
        runEpisode(
          log.area,
          evidence,
          reported,
          (_, { remaining }) => remaining[random.below(remaining.length)]!,
        ).transitions.map(({ cost }) => cost),
      ),
    ).flat();
    expect(Math.abs(share - costs.reduce((sum, cost) => sum + cost, 0) / costs.length)).toBeLessThan(0.015);
  });
});

describe('what the network is compared with', () => {
  it('keeps to the sizes; greedy puts the most reported last', () => {
    const { area, pieces } = plainLog();
    const sizes = (classes: Uint8Array) =>
      [1, 2, 3].map((own) => classes.filter((one) => one === own).length);
    expect(sizes(randomClasses(area, createRandom(seed('r'))))).toEqual([10, 10, 10]);
    const evidence = evidenceOf(pieces, 30);
    const greedy = greedyClasses(area, evidence);
    expect(sizes(greedy)).toEqual([10, 10, 10]);
    const rates = (own: number) => [...evidence.named].filter((_, at) => greedy[at] === own);
    expect(Math.max(...rates(2))).toBeLessThanOrEqual(Math.min(...rates(3)));
  });
});
