import type { Graph } from './graph.js';

/** [nodes]: how many neighbours each node has. */
export function degrees({ nodes, starts }: Graph): Float64Array {
  return Float64Array.from({ length: nodes }, (_, node) => starts[node + 1]! - starts[node]!);
}
