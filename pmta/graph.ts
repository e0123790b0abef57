import { strict as assert } from 'node:assert';

/** Providers that one graph may have. */
export const NODES_MAX = 100_000;

/** An undirected weighted graph without loops; each edge stands at both its ends. */
export interface Graph {
  readonly nodes: number;
  /** [nodes + 1]: the neighbours of node i are targets[starts[i]] .. targets[starts[i + 1] - 1], ascending. */
  readonly starts: Uint32Array;
  readonly targets: Uint32Array;
  /** [targets.length], above 0. */
  readonly weights: Float64Array;
}

export interface Edge {
  readonly from: number;
  readonly to: number;
  readonly weight: number;
}

/**
 * The graph of these edges. Each edge is given once, from either end; given again it is the same edge with the last weight.
 * Throws RangeError for a loop, a node that is none, a weight that is not above 0. Cost: O(edges · log edges).
 */
export function graphOf(nodes: number, edges: readonly Edge[]): Graph {
  if (!(Number.isSafeInteger(nodes) && nodes >= 1 && nodes <= NODES_MAX))
    throw new RangeError(`${nodes} nodes`);
  const rows = Array.from({ length: nodes }, () => new Map<number, number>());
  for (const { from, to, weight } of edges) {
    if (from === to || rows[from] === undefined || rows[to] === undefined || !(weight > 0))
      throw new RangeError(`an edge from ${from} to ${to} of weight ${weight}`);
    rows[from].set(to, weight);
    rows[to].set(from, weight);
  }
  const starts = new Uint32Array(nodes + 1);
  for (const [node, row] of rows.entries()) starts[node + 1] = starts[node]! + row.size;
  const targets = new Uint32Array(starts[nodes]!);
  const weights = new Float64Array(starts[nodes]!);
  for (const [node, row] of rows.entries())
    for (const [place, [to, weight]] of [...row].sort(([a], [b]) => a - b).entries()) {
      targets[starts[node]! + place] = to;
      weights[starts[node]! + place] = weight;
    }
  return { nodes, starts, targets, weights };
}

/** L·x of the unnormalised Laplacian L = D - W. x: [nodes]. Cost: O(edges). */
export function laplacianTimes({ nodes, starts, targets, weights }: Graph, x: Float64Array): Float64Array {
  assert.equal(x.length, nodes, 'a number a node');
  const product = new Float64Array(nodes);
  for (let node = 0; node < nodes; node++) {
    let sum = 0;
    const own = x[node]!;
    for (let at = starts[node]!; at < starts[node + 1]!; at++) sum += weights[at]! * (own - x[targets[at]!]!);
    product[node] = sum;
  }
  return product;
}

/** [nodes]: the number of each node's connected component, from 0 in the order of their first nodes. */
export function componentsOf({ nodes, starts, targets }: Graph): Uint32Array {
  const component = new Uint32Array(nodes);
  const seen = new Uint8Array(nodes);
  let count = 0;
  for (let first = 0; first < nodes; first++) {
    if (seen[first] === 1) continue;
    const waiting = [first];
    seen[first] = 1;
    for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
      component[node] = count;
      for (let at = starts[node]!; at < starts[node + 1]!; at++) {
        const next = targets[at]!;
        if (seen[next] === 1) continue;
        seen[next] = 1;
        waiting.push(next);
      }
    }
    count++;
  }
  return component;
}
