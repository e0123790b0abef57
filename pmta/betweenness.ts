import type { Graph } from './graph.js';
import { createRandom } from './random.js';

/** Up to so many nodes betweenness is exact. */
export const EXACT_NODES_MAX = 2_000;
export const PIVOTS = 500;
/** With this probability no node's value is further from the truth than `error`. */
export const CONFIDENCE = 0.99;

export interface Betweenness {
  /** [nodes], 0 to 1: the share of pairs of other nodes whose shortest paths pass through the node, by their share. */
  readonly values: Float64Array;
  /** Nodes whose shortest paths were followed; all of them: exact. */
  readonly pivots: number;
  /** 0 where exact. Bounds the error of all nodes at once, with probability CONFIDENCE (Hoeffding): cautious. */
  readonly error: number;
  /** The largest standard error of a node, from the spread over pivots; 0 where exact. */
  readonly standardError: number;
}

/**
 * Betweenness centrality by shortest paths counted in links: exact up to EXACT_NODES_MAX nodes, above from the paths of
 * PIVOTS nodes drawn by the seed. Weights don't count. Cost: O(pivots · edges).
 * Source: Brandes 2001; Brandes and Pich 2007 (pivots); Hoeffding 1963.
 */
export function betweenness(graph: Graph, seed: Uint8Array, pivots = pivotsFor(graph.nodes)): Betweenness {
  const { nodes } = graph;
  if (!(Number.isSafeInteger(pivots) && pivots >= 1 && pivots <= nodes))
    throw new RangeError(`${pivots} pivots`);
  const chosen =
    pivots === nodes ? Array.from({ length: nodes }, (_, node) => node) : draw(nodes, pivots, seed);
  const sums = new Float64Array(nodes);
  const squares = new Float64Array(nodes);
  const follow = createFollower(graph);
  // A pivot's dependency on a node is at most nodes - 2.
  const most = Math.max(1, nodes - 2);
  for (const pivot of chosen) {
    const dependency = follow(pivot);
    for (let node = 0; node < nodes; node++) {
      const share = dependency[node]! / most;
      sums[node]! += share;
      squares[node]! += share * share;
    }
  }
  // Of a node itself nothing begins: the mean is over the nodes - 1 others.
  const scale = nodes / (Math.max(1, nodes - 1) * pivots);
  const values = sums.map((sum) => sum * scale);
  if (pivots === nodes) return { values, pivots, error: 0, standardError: 0 };
  const variance = squares.reduce((largest, square, node) => {
    const mean = sums[node]! / pivots;
    return Math.max(largest, square / pivots - mean * mean);
  }, 0);
  const error = Math.sqrt(Math.log((2 * nodes) / (1 - CONFIDENCE)) / (2 * pivots)) * (nodes / (nodes - 1));
  return { values, pivots, error, standardError: Math.sqrt(variance / pivots) * (nodes / (nodes - 1)) };
}

function pivotsFor(nodes: number): number {
  return nodes <= EXACT_NODES_MAX ? nodes : PIVOTS;
}

/** Different nodes, each set as likely. */
function draw(nodes: number, count: number, seed: Uint8Array): number[] {
  const random = createRandom(seed);
  const order = Array.from({ length: nodes }, (_, node) => node);
  for (let place = 0; place < count; place++) {
    const from = place + random.below(nodes - place);
    [order[place], order[from]] = [order[from]!, order[place]!];
  }
  return order.slice(0, count);
}

/** A function that gives one pivot's dependencies on all nodes; the array is used again by the next call. */
function createFollower({ nodes, starts, targets }: Graph): (pivot: number) => Float64Array {
  const distance = new Int32Array(nodes);
  const paths = new Float64Array(nodes);
  const dependency = new Float64Array(nodes);
  const order = new Uint32Array(nodes);
  return (pivot) => {
    distance.fill(-1);
    paths.fill(0);
    dependency.fill(0);
    distance[pivot] = 0;
    paths[pivot] = 1;
    order[0] = pivot;
    let reached = 1;
    for (let head = 0; head < reached; head++) {
      const node = order[head]!;
      for (let at = starts[node]!; at < starts[node + 1]!; at++) {
        const next = targets[at]!;
        if (distance[next] === -1) {
          distance[next] = distance[node]! + 1;
          order[reached++] = next;
        }
        if (distance[next] === distance[node]! + 1) paths[next]! += paths[node]!;
      }
    }
    for (let tail = reached - 1; tail > 0; tail--) {
      const node = order[tail]!;
      const share = (1 + dependency[node]!) / paths[node]!;
      for (let at = starts[node]!; at < starts[node + 1]!; at++) {
        const before = targets[at]!;
        if (distance[before] === distance[node]! - 1) dependency[before]! += paths[before]! * share;
      }
    }
    dependency[pivot] = 0;
    return dependency;
  };
}
