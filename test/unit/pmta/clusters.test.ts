import { describe, expect, it } from 'vitest';
import {
  balancedKMeans,
  classifyProviders,
  evenWeights,
  ratioCut,
  ratioCutClusters,
  similarityGraph,
  smallestEigenpairs,
} from '../../../pmta/index.js';
import { blobs, cliques, cycle, karate, path, sameParts, seed } from './graphs.js';

const options = { balance: Number.POSITIVE_INFINITY, seed: seed('cut') };

function sizesOf(labels: ArrayLike<number>, clusters: number): number[] {
  const sizes = new Array<number>(clusters).fill(0);
  for (const label of Array.from(labels)) sizes[label]!++;
  return sizes.sort((a, b) => a - b);
}

function cut(graph: Parameters<typeof ratioCut>[0], clusters: number, change: object = {}): Uint32Array {
  const found = ratioCutClusters(graph, { ...options, clusters, ...change });
  if (!found.ok) throw new Error(found.reason);
  return found.labels;
}

describe('the provider graph', () => {
  it('links nearest neighbours by the Gaussian of their distance', () => {
    const points = Float64Array.of(0, 0, 1, 0, 0, 3, 10, 10);
    const graph = similarityGraph(points, { dimensions: 2, neighbours: 1, sigma: 2 });
    // 0-1 nearest to one another, 2 to 0, 3 to 2.
    expect([...graph.starts]).toEqual([0, 2, 3, 5, 6]);
    expect([...graph.targets]).toEqual([1, 2, 0, 0, 3, 2]);
    expect(graph.weights[0]).toBeCloseTo(Math.exp(-1 / 8), 12);
    expect(graph.weights[1]).toBeCloseTo(Math.exp(-9 / 8), 12);
    expect(graph.weights[5]).toBeCloseTo(Math.exp(-149 / 8), 12);
  });

  it('takes the median distance to the last neighbour for σ, and links twins', () => {
    const line = Float64Array.of(0, 1, 3, 6, 10);
    const graph = similarityGraph(line, { dimensions: 1, neighbours: 1, sigma: 'median' });
    // Distances to the nearest: 1, 1, 2, 3, 4.
    expect(graph.weights[0]).toBeCloseTo(Math.exp(-1 / (2 * 4)), 12);
    const twins = similarityGraph(new Float64Array(6), { dimensions: 2, neighbours: 2, sigma: 'median' });
    expect([...twins.weights]).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it('takes each provider’s own distance for σ where that is asked for, and links twins', () => {
    const line = Float64Array.of(0, 1, 3, 6, 10);
    const { targets, weights } = similarityGraph(line, { dimensions: 1, neighbours: 1, sigma: 'local' });
    expect([...targets]).toEqual([1, 0, 2, 1, 3, 2, 4, 3]);
    // Of 1 and 2, of distance 2 from one another, to the nearest: 1 and 2.
    expect(weights[2]).toBeCloseTo(Math.exp(-4 / (2 * 1 * 2)), 12);
    // Twins have no distance to measure by; who is no twin is as good as unlike.
    const twins = similarityGraph(Float64Array.of(0, 0, 5), { dimensions: 1, neighbours: 1, sigma: 'local' });
    expect([...twins.weights]).toEqual([1, 1e-12, 1, 1e-12]);
  });

  // By one σ for all ('median') they are not: single providers are cut off, and the rest is dealt out.
  it('of own distances lets groups be found that thin out towards one another', () => {
    const centres = [0, 1, 2, 3, 4].map((group) => [2.5 * group, 2.5 * ((2 * group) % 5)]);
    const { points, of } = blobs(centres, 80, 1, 'groups');
    const labels = cut(similarityGraph(points, { dimensions: 2, neighbours: 10, sigma: 'local' }), 5);
    const right = sizesOf(labels, 5).map((_, label) => {
      const own = of.filter((__, at) => labels[at] === label);
      return Math.max(...sizesOf(own, 5));
    });
    expect(right.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0.95 * 400);
  });

  it('links everybody when more neighbours are asked for than there are', () => {
    const { targets } = similarityGraph(blobs([[0, 0]], 5, 1).points, {
      dimensions: 2,
      neighbours: 50,
      sigma: 1,
    });
    expect(targets.length).toBe(20);
  });

  it.each([
    [new Float64Array(3), { dimensions: 2 }],
    [new Float64Array(2), { dimensions: 2 }],
    [Float64Array.of(1, Number.NaN), { dimensions: 1 }],
    [new Float64Array(4), { neighbours: 0 }],
    [new Float64Array(4), { sigma: -1 }],
  ])('refuses %j with %j', (points, change) => {
    const setting = { dimensions: 2, neighbours: 1, sigma: 1, ...change };
    expect(() => similarityGraph(points, setting)).toThrow(RangeError);
  });
});

describe('ratioCut', () => {
  it('adds up what each cluster cuts by its size', () => {
    expect(ratioCut(path(4), Uint32Array.of(0, 0, 1, 1))).toBe(1);
    expect(ratioCut(path(4), Uint32Array.of(0, 1, 1, 1))).toBeCloseTo(1 + 1 / 3, 12);
    expect(ratioCut(cycle(6), new Uint32Array(6))).toBe(0);
  });
});

describe('ratioCutClusters', () => {
  it('parts cliques at their bridges, and along components', () => {
    const wanted = (sizes: readonly number[]) => sizes.flatMap((size, index) => new Array(size).fill(index));
    for (const bridge of [0, 0.5, 1]) {
      const sizes = [8, 12, 10];
      expect(sameParts(cut(cliques(sizes, bridge), 3), wanted(sizes)), `bridge ${bridge}`).toBe(true);
    }
  });

  it('halves a path and a cycle into what hangs together, at the least cut', () => {
    expect(ratioCut(path(20), cut(path(20), 2, { balance: 1 }))).toBeCloseTo(0.2, 12);
    expect(ratioCut(cycle(20), cut(cycle(20), 2, { balance: 1 }))).toBeCloseTo(0.4, 12);
  });

  it('halves the karate club at the median of its Fiedler vector, which cuts eleven of 78 friendships', () => {
    const labels = cut(karate, 2, { balance: 1 });
    const found = smallestEigenpairs(karate, 2, seed('other'));
    if (!found.ok) throw new Error(found.reason);
    const fiedler = found.pairs[1]!.vector;
    const order = [...fiedler.keys()].sort((a, b) => fiedler[a]! - fiedler[b]!);
    const halves = new Uint32Array(34);
    for (const node of order.slice(17)) halves[node] = 1;
    expect(sameParts(labels, halves)).toBe(true);
    expect(ratioCut(karate, labels)).toBeCloseTo(22 / 17, 12);
  });

  it('has a gap in the eigenvalues after as many clusters as there are', () => {
    const found = ratioCutClusters(cliques([9, 9, 9], 0.1), { ...options, clusters: 4 });
    if (!found.ok) throw new Error(found.reason);
    expect(found.eigenvalues[2]!).toBeLessThan(0.1);
    expect(found.eigenvalues[3]!).toBeGreaterThan(5);
  });

  it('keeps sizes even where they shall be', () => {
    const labels = cut(cliques([4, 20, 6], 1), 3, { balance: 1 });
    expect(sizesOf(labels, 3)).toEqual([10, 10, 10]);
    expect(sizesOf(cut(karate, 5, { balance: 1.2 }), 5).at(-1)).toBeLessThanOrEqual(9);
  });
});

describe('balancedKMeans', () => {
  const centres = [
    [0, 0],
    [10, 0],
    [0, 10],
    [10, 10],
  ];
  const setting = { dimensions: 2, clusters: 4, attempts: 5, seed: seed('means') };

  it('finds clouds that lie apart, whether sizes are bounded or not', () => {
    const { points, of } = blobs(centres, 25, 1);
    for (const balance of [1, 1.5, Number.POSITIVE_INFINITY])
      expect(sameParts(balancedKMeans(points, { ...setting, balance }).labels, of)).toBe(true);
  });

  it('deals out what is too much for one cluster at the least cost', () => {
    // Ten at 0, two at 1: even halves are ten points' worth of six each.
    const points = Float64Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0.4, 0.5, 1, 1);
    const { labels, cost } = balancedKMeans(points, {
      ...setting,
      dimensions: 1,
      clusters: 2,
      balance: 1,
    });
    expect(sizesOf(labels, 2)).toEqual([6, 6]);
    const high = [...labels].flatMap((label, index) => (label === labels[11] ? [points[index]!] : []));
    expect(high.sort()).toEqual([0, 0, 0.4, 0.5, 1, 1]);
    const mean = 2.9 / 6;
    expect(cost).toBeCloseTo(2 * mean ** 2 + (0.4 - mean) ** 2 + (0.5 - mean) ** 2 + 2 * (1 - mean) ** 2, 12);
  });

  it('bears as many clusters as points, and points that are all alike', () => {
    const { points } = blobs([[0, 0]], 6, 1);
    expect(balancedKMeans(points, { ...setting, clusters: 6, balance: 1 }).cost).toBeCloseTo(0, 12);
    const alike = balancedKMeans(new Float64Array(16), { ...setting, balance: 1 });
    expect(sizesOf(alike.labels, 4)).toEqual([2, 2, 2, 2]);
  });

  it.each([
    [{ clusters: 0, balance: 1 }],
    [{ clusters: 5, balance: 1 }],
    [{ balance: 0.9 }],
    [{ balance: Number.NaN }],
  ])('refuses %j', (change) => {
    expect(() => balancedKMeans(new Float64Array(8), { ...setting, ...change })).toThrow(RangeError);
  });
});

describe('classifyProviders', () => {
  const setting = {
    dimensions: 2,
    neighbours: 6,
    sigma: 'median' as const,
    clusters: 3,
    balance: 1.2,
    weights: evenWeights,
    shares: [1, 2, 3],
    seed: seed('providers'),
  };
  const { points, of } = blobs(
    [
      [0, 0],
      [8, 0],
      [0, 8],
    ],
    30,
    1,
  );

  it('gives levels in proportion within each cluster, to the most influential first', () => {
    const found = classifyProviders(points, setting);
    if (!found.ok) throw new Error(found.reason);
    expect(sameParts(found.clusters, of)).toBe(true);
    for (let cluster = 0; cluster < 3; cluster++) {
      const own = [...found.clusters.keys()].filter((provider) => found.clusters[provider] === cluster);
      expect(
        sizesOf(
          own.map((provider) => found.levels[provider]! - 1),
          3,
        ),
      ).toEqual([5, 10, 15]);
      const least = (level: number) =>
        own
          .filter((provider) => found.levels[provider] === level)
          .map((each) => found.influence.values[each]!);
      expect(Math.min(...least(1))).toBeGreaterThanOrEqual(Math.max(...least(2)));
      expect(Math.min(...least(2))).toBeGreaterThanOrEqual(Math.max(...least(3)));
    }
  });

  it('follows from the seed', () => {
    expect(classifyProviders(points, setting)).toEqual(classifyProviders(points, setting));
  });
});
