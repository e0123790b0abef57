import type { Graph } from './graph.js';

/**
 * [nodes]: the local clustering coefficient, the share of pairs of a node's neighbours that are neighbours themselves; 0 with
 * fewer than two. Weights don't count. Cost: Σ degree². Source: Watts and Strogatz 1998.
 */
export function clusteringCoefficients({ nodes, starts, targets }: Graph): Float64Array {
  const mark = new Int32Array(nodes).fill(-1);
  const coefficients = new Float64Array(nodes);
  for (let node = 0; node < nodes; node++) {
    const degree = starts[node + 1]! - starts[node]!;
    for (let at = starts[node]!; at < starts[node + 1]!; at++) mark[targets[at]!] = node;
    let links = 0; // each from both ends
    for (let at = starts[node]!; at < starts[node + 1]!; at++) {
      const near = targets[at]!;
      for (let next = starts[near]!; next < starts[near + 1]!; next++)
        if (mark[targets[next]!] === node) links++;
    }
    coefficients[node] = degree < 2 ? 0 : links / (degree * (degree - 1));
  }
  return coefficients;
}
