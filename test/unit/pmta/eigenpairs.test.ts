import { describe, expect, it } from 'vitest';
import { eigenSystem } from '../../../fl/index.js';
import {
  componentsOf,
  type Graph,
  graphOf,
  laplacianTimes,
  similarityGraph,
  smallestEigenpairs,
} from '../../../pmta/index.js';
import { blobs, cliques, complete, cycle, karate, path, seed, star } from './graphs.js';

function pairsOf(graph: Graph, count: number, text = 'a') {
  const found = smallestEigenpairs(graph, count, seed(text));
  if (!found.ok) throw new Error(`${found.reason}: ${found.residual}`);
  return found.pairs;
}
const valuesOf = (graph: Graph, count: number) => pairsOf(graph, count).map(({ value }) => value);
const near = (found: readonly number[], wanted: readonly number[]) => {
  expect(found.length).toBe(wanted.length);
  for (const [index, value] of found.entries()) expect(value).toBeCloseTo(wanted[index]!, 6);
};

/** The Laplacian in full. */
function dense(graph: Graph): Float64Array[] {
  return Array.from({ length: graph.nodes }, (_, node) => {
    const unit = new Float64Array(graph.nodes);
    unit[node] = 1;
    return laplacianTimes(graph, unit);
  });
}

describe('the smallest eigenpairs of a Laplacian', () => {
  it.each([2, 3, 10, 200])('of a path of %i nodes are 2 - 2 cos(πk/n)', (nodes) => {
    const count = Math.min(nodes, 6);
    near(
      valuesOf(path(nodes), count),
      Array.from({ length: count }, (_, k) => 2 - 2 * Math.cos((Math.PI * k) / nodes)),
    );
  });

  it.each([3, 12, 101])('of a cycle of %i nodes come twice', (nodes) => {
    const count = Math.min(nodes, 7);
    const wanted = Array.from({ length: count }, (_, k) => {
      return 2 - 2 * Math.cos((2 * Math.PI * Math.ceil(k / 2)) / nodes);
    });
    near(valuesOf(cycle(nodes), count), wanted);
  });

  it('of complete graphs and stars come as often as there are nodes', () => {
    near(valuesOf(complete(7), 7), [0, 7, 7, 7, 7, 7, 7]);
    near(valuesOf(star(8), 9), [0, 1, 1, 1, 1, 1, 1, 1, 9]);
  });

  it('are 0 once for each connected component, and told so exactly', () => {
    const graph = cliques([4, 5, 3], 0);
    expect([...componentsOf(graph)]).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2]);
    near(valuesOf(graph, 12), [0, 0, 0, 3, 3, 4, 4, 4, 5, 5, 5, 5]);
    expect(valuesOf(graph, 2)).toEqual([0, 0]);
  });

  it('of the karate club: the algebraic connectivity is 0.4685', () => {
    // By Jacobi rotations of the whole matrix, in another program.
    near(valuesOf(karate, 4), [0, 0.4685252267, 0.9092476638, 1.1250107182]);
  });

  // 100 nodes and more: beyond what the first space holds, so restarts and multigrid take part.
  it.each([
    ['one dimension', 1, 0],
    ['two dimensions', 2, 0],
    ['two dimensions, far apart groups', 2, 6],
    ['five dimensions', 5, 3],
  ])('are those that Jacobi rotations of the whole matrix give: %s', (_, dimensions, apart) => {
    const centres = [0, 1, 2].map((group) => Array.from({ length: dimensions }, () => group * apart));
    const { points } = blobs(centres, 35, 1, `dense ${dimensions} ${apart}`);
    const graph = similarityGraph(points, { dimensions, neighbours: 6, sigma: 'median' });
    const { values } = eigenSystem(dense(graph));
    for (const count of [2, 5, 9]) {
      for (const [index, value] of valuesOf(graph, count).entries())
        expect(Math.abs(value - values[index]!)).toBeLessThan(1e-6 * values[index]! + 1e-12);
    }
  });

  it('are found when they are ten orders of magnitude apart, in a space that was restarted', () => {
    // Two paths of 300 nodes with a link of 1e-10 between them: 0, 1e-10 / 150, then those of the paths, each twice.
    const links = Array.from({ length: 599 }, (_, i) => ({
      from: i,
      to: i + 1,
      weight: i === 299 ? 1e-10 : 1,
    }));
    const [zero, weak, ...rest] = valuesOf(graphOf(600, links), 6);
    expect(zero).toBe(0);
    expect(weak! / (1e-10 / 150)).toBeCloseTo(1, 3);
    const wanted = [1, 1, 2, 2].map((k) => 2 - 2 * Math.cos((Math.PI * k) / 300));
    for (const [index, value] of rest.entries()) expect(value / wanted[index]!).toBeCloseTo(1, 5);
  });

  it('are orthonormal vectors with the residual that is told', () => {
    const pairs = pairsOf(karate, 6);
    for (const [i, { vector, value, residual }] of pairs.entries()) {
      const product = laplacianTimes(karate, vector);
      const left = Math.hypot(...product.map((entry, node) => entry - value * vector[node]!));
      expect(left).toBeLessThan(1e-4);
      expect(Math.abs(left - residual)).toBeLessThan(1e-9);
      for (const [j, other] of pairs.entries()) {
        const along = vector.reduce((sum, entry, node) => sum + entry * other.vector[node]!, 0);
        expect(along).toBeCloseTo(i === j ? 1 : 0, 9);
      }
    }
  });

  it('follow from the seed, bit by bit', () => {
    expect(pairsOf(karate, 5)).toEqual(pairsOf(karate, 5));
    expect(pairsOf(karate, 5, 'b')[1]!.vector).not.toEqual(pairsOf(karate, 5)[1]!.vector);
  });

  it('bear weights of very different size', () => {
    const weights = [1e-6, 1, 1e3];
    const graph = graphOf(
      4,
      weights.map((weight, i) => ({ from: i, to: i + 1, weight })),
    );
    const [zero, first] = valuesOf(graph, 2);
    expect(zero).toBe(0);
    // The weak link alone: w·(1/1 + 1/3).
    expect(first! / ((1e-6 * 4) / 3)).toBeCloseTo(1, 0);
  });

  it('are not made up where the arithmetic has no room for them', () => {
    const edges = Array.from({ length: 40 }, (_, i) =>
      [1, 7].map((far) => ({ from: i, to: (i + far) % 40 })),
    );
    const graph = graphOf(
      40,
      edges.flat().map((edge) => ({ ...edge, weight: 1e200 })),
    );
    expect(smallestEigenpairs(graph, 3, seed('a'))).toMatchObject({ ok: false, reason: 'not-converged' });
  });

  it.each([0, 35, 1.5])('refuse a count of %s', (count) => {
    expect(() => smallestEigenpairs(karate, count, seed('a'))).toThrow(RangeError);
  });
});

describe('a graph', () => {
  it.each([
    [2, [{ from: 0, to: 0, weight: 1 }]],
    [2, [{ from: 0, to: 2, weight: 1 }]],
    [2, [{ from: -1, to: 1, weight: 1 }]],
    [2, [{ from: 0, to: 1, weight: 0 }]],
    [2, [{ from: 0, to: 1, weight: Number.NaN }]],
    [0, []],
    [100_001, []],
  ])('of %i nodes refuses %j', (nodes, edges) => {
    expect(() => graphOf(nodes, edges)).toThrow(RangeError);
  });

  it('takes an edge given twice, from either end, for one', () => {
    const graph = graphOf(2, [
      { from: 0, to: 1, weight: 1 },
      { from: 1, to: 0, weight: 3 },
    ]);
    expect([...graph.targets, ...graph.weights]).toEqual([1, 0, 3, 3]);
  });
});
