import { describe, expect, it } from 'vitest';
import {
  betweenness,
  clusteringCoefficients,
  degrees,
  evenWeights,
  levelsByInfluence,
  levelsWithin,
  providerInfluence,
} from '../../../pmta/index.js';
import { cliques, complete, cycle, karate, path, seed, star } from './graphs.js';

const exact = (graph: Parameters<typeof betweenness>[0]) => betweenness(graph, seed('none'));
const near = (found: ArrayLike<number>, wanted: readonly number[]) => {
  for (const [index, value] of wanted.entries()) expect(found[index]).toBeCloseTo(value, 8);
};

describe('degree and clustering coefficient', () => {
  it('are those of known graphs', () => {
    expect([...degrees(star(3))]).toEqual([3, 1, 1, 1]);
    expect([...clusteringCoefficients(complete(5))]).toEqual([1, 1, 1, 1, 1]);
    expect([...clusteringCoefficients(star(4))]).toEqual([0, 0, 0, 0, 0]);
    // Two triangles and an edge between them: at its ends one of three pairs is linked.
    near(clusteringCoefficients(cliques([3, 3], 1)), [1, 1, 1 / 3, 1 / 3, 1, 1]);
  });

  it('are those of the karate club', () => {
    expect([degrees(karate)[0], degrees(karate)[33], degrees(karate)[11]]).toEqual([16, 17, 1]);
    // networkx.average_clustering
    const mean = clusteringCoefficients(karate).reduce((sum, value) => sum + value, 0) / 34;
    expect(mean).toBeCloseTo(0.5706384782076823, 12);
  });
});

describe('betweenness', () => {
  it('is exact up to 2,000 nodes', () => {
    near(exact(path(5)).values, [0, 3 / 6, 4 / 6, 3 / 6, 0]);
    near(exact(star(6)).values, [1, 0, 0, 0, 0, 0, 0]);
    near(exact(complete(6)).values, new Array(6).fill(0));
    // On a cycle of five each node lies on the shortest path of one pair of six.
    near(exact(cycle(5)).values, new Array(5).fill(1 / 6));
    // On one of four, half of one of three.
    near(exact(cycle(4)).values, new Array(4).fill(1 / 6));
    expect(exact(path(2))).toMatchObject({ pivots: 2, error: 0, standardError: 0 });
  });

  it('is that of the karate club, as networkx has it', () => {
    const { values } = exact(karate);
    near(
      [values[0]!, values[33]!, values[32]!, values[2]!, values[11]!],
      [0.4376352813852815, 0.3040749759499759, 0.14524711399711396, 0.14365680615680615, 0],
    );
  });

  it('counts nothing between parts that are not linked', () => {
    near(exact(cliques([3, 1], 0)).values, [0, 0, 0, 0]);
  });

  it('from some nodes alone lies within the error that is stated, and follows from the seed', () => {
    const graph = cliques([6, 8, 10, 7], 1);
    const truth = exact(graph).values;
    for (const text of ['a', 'b', 'c']) {
      const found = betweenness(graph, seed(text), 16);
      expect(found.pivots).toBe(16);
      const worst = found.values.reduce(
        (most, value, node) => Math.max(most, Math.abs(value - truth[node]!)),
        0,
      );
      expect(worst).toBeLessThan(found.error);
      expect(worst).toBeLessThan(4 * found.standardError);
      expect(worst).toBeGreaterThan(0);
      expect(betweenness(graph, seed(text), 16)).toEqual(found);
    }
    expect(betweenness(graph, seed('a'), 24).error).toBeLessThan(betweenness(graph, seed('a'), 16).error);
  });

  it('is right on average over pivots', () => {
    const graph = cliques([4, 5], 1);
    const sums = new Float64Array(9);
    const draws = 400;
    for (let text = 0; text < draws; text++)
      for (const [node, value] of betweenness(graph, seed(`mean ${text}`), 1).values.entries())
        sums[node]! += value;
    // A standard error of at most 0.5 / √400 = 0.025.
    for (const [node, value] of exact(graph).values.entries())
      expect(Math.abs(sums[node]! / draws - value)).toBeLessThan(0.1);
  });

  it.each([0, 10, 1.5])('refuses %s pivots of nine', (pivots) => {
    expect(() => betweenness(cliques([4, 5], 1), seed('a'), pivots)).toThrow(RangeError);
  });
});

describe('the provider influence factor', () => {
  it('is the weighted mean of parts that reach from 0 to 1', () => {
    // Path of three: the middle has the most degree and betweenness; nobody clusters.
    near(providerInfluence(path(3), evenWeights, seed('a')).values, [0, 2 / 3, 0]);
    const onlyDegree = { degree: 2, clustering: 0, betweenness: 0 };
    near(providerInfluence(star(3), onlyDegree, seed('a')).values, [1, 0, 0, 0]);
    near(providerInfluence(complete(4), evenWeights, seed('a')).values, [0, 0, 0, 0]);
    const { values } = providerInfluence(karate, { degree: 1, clustering: 0, betweenness: 1 }, seed('a'));
    const order = [...values.keys()].sort((a, b) => values[b]! - values[a]!);
    expect(order.slice(0, 3)).toEqual([0, 33, 32]);
  });

  it.each([
    { degree: 0, clustering: 0, betweenness: 0 },
    { degree: -1, clustering: 1, betweenness: 1 },
    { degree: Number.NaN, clustering: 1, betweenness: 1 },
  ])('refuses the weights %j', (weights) => {
    expect(() => providerInfluence(path(3), weights, seed('a'))).toThrow(RangeError);
  });
});

describe('levels', () => {
  it('come in proportion, the most influential first, ties by index', () => {
    expect([...levelsByInfluence([0.1, 0.9, 0.5, 0.5, 0.2], [1, 2, 2])]).toEqual([3, 1, 2, 2, 3]);
    expect([...levelsByInfluence([5, 5, 5, 5], [1, 1])]).toEqual([1, 1, 2, 2]);
    expect([...levelsByInfluence([1, 2], [0, 1])]).toEqual([2, 2]);
  });

  it('have whole sizes that add up, by largest remainders', () => {
    const sizes = (count: number, shares: readonly number[]) => {
      const found = new Array<number>(shares.length).fill(0);
      for (const level of levelsByInfluence(
        Float64Array.from({ length: count }, (_, i) => i),
        shares,
      ))
        found[level - 1]!++;
      return found;
    };
    expect(sizes(10, [1, 1, 1])).toEqual([4, 3, 3]);
    expect(sizes(7, [0.2, 0.3, 0.5])).toEqual([1, 2, 4]); // 1.4, 2.1, 3.5
    expect(sizes(0, [1, 2])).toEqual([0, 0]);
  });

  it('are given within each cluster', () => {
    const levels = levelsWithin([0, 1, 0, 1, 0, 1], [1, 9, 2, 8, 3, 7], [1, 2]);
    expect([...levels]).toEqual([2, 1, 2, 2, 1, 2]);
  });

  it.each([[[]], [[0, 0]], [[1, -1]], [new Array(256).fill(1)]])('refuse the shares %j', (shares) => {
    expect(() => levelsByInfluence([1, 2], shares)).toThrow(RangeError);
  });
});
