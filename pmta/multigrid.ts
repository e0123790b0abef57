import { componentsOf, type Graph, laplacianTimes } from './graph.js';
import { dot } from './vectors.js';

/** A neighbour is strong with at least so much of the strongest link: weak ones never decide who is put together. */
const STRONG = 0.25;
/** Merges that make one level: each at least halves the nodes that have links. */
const MERGES = 2;

/** What is close to the solution x of L·x = b, for a b whose entries add up to 0 on each connected component. */
export type Solver = (b: Float64Array) => Float64Array;

interface Level {
  readonly graph: Graph;
  readonly degrees: Float64Array;
  /** [nodes]: the node of the next level that each one is part of. */
  readonly of: Uint32Array;
  readonly component: Uint32Array;
}

/**
 * Multigrid for a graph's Laplacian: nodes with strong links are put together until no link is left, and an approximate
 * solution is smoothed on each level and corrected from the next one, by two steps of conjugate gradients there.
 *
 * A merged graph's Laplacian is PᵀLP, so every level is a graph. Good whatever the weights' sizes and the spectrum's lower
 * end, which is what makes tiny eigenvalues dear otherwise. Not a linear function of b. Cost: O(edges), about ten products with L.
 * Source: Notay 2010 (aggregation, K-cycle); Napov and Notay 2016 (graph Laplacians).
 */
export function multigrid(graph: Graph): Solver {
  const levels: Level[] = [];
  for (let own = graph; own.targets.length > 0; ) {
    const { of, coarse } = merged(own);
    levels.push({ graph: own, degrees: weightedDegrees(own), of, component: componentsOf(own) });
    own = coarse;
  }
  return (b) => cycle(levels, 0, b);
}

function cycle(levels: readonly Level[], at: number, b: Float64Array): Float64Array {
  const level = levels[at];
  const x = new Float64Array(b.length);
  if (level === undefined) return x;
  const { graph, of, component } = level;
  smooth(level, x, b, 1);
  const product = laplacianTimes(graph, x);
  const nodesBelow = levels[at + 1]?.graph.nodes ?? 0;
  if (nodesBelow > 0) {
    const below = new Float64Array(nodesBelow);
    for (let node = 0; node < x.length; node++) below[of[node]!]! += b[node]! - product[node]!;
    centre(below, levels[at + 1]!.component);
    const correction = twoSteps(levels, at + 1, below);
    for (let node = 0; node < x.length; node++) x[node]! += correction[of[node]!]!;
  }
  smooth(level, x, b, -1);
  centre(x, component);
  return x;
}

/** Two steps of flexible conjugate gradients, each with one cycle as its preconditioner. */
function twoSteps(levels: readonly Level[], at: number, b: Float64Array): Float64Array {
  const { graph } = levels[at]!;
  const first = cycle(levels, at, b);
  const image = laplacianTimes(graph, first);
  const energy = dot(first, image);
  if (!(energy > 0)) return first;
  const step = dot(first, b) / energy;
  const left = b.map((entry, node) => entry - step * image[node]!);
  const second = cycle(levels, at, left);
  const secondImage = laplacianTimes(graph, second);
  const along = dot(second, image) / energy;
  const secondEnergy = dot(second, secondImage) - along * along * energy;
  if (!(secondEnergy > 1e-14 * dot(second, secondImage))) return first.map((entry) => step * entry);
  const secondStep = dot(second, left) / secondEnergy;
  return first.map((entry, node) => (step - secondStep * along) * entry + secondStep * second[node]!);
}

/** Takes the mean off, on each component: what L does not see, and rounding would let grow. */
function centre(x: Float64Array, component: Uint32Array): void {
  const [sums, sizes]: [number[], number[]] = [[], []];
  for (const [node, own] of component.entries()) {
    sums[own] = (sums[own] ?? 0) + x[node]!;
    sizes[own] = (sizes[own] ?? 0) + 1;
  }
  for (const [node, own] of component.entries()) x[node]! -= sums[own]! / sizes[own]!;
}

/** One sweep of Gauss and Seidel, forwards (1) or backwards (-1). */
function smooth({ graph, degrees }: Level, x: Float64Array, b: Float64Array, way: 1 | -1): void {
  const { nodes, starts, targets, weights } = graph;
  for (let turn = 0; turn < nodes; turn++) {
    const node = way === 1 ? turn : nodes - 1 - turn;
    const degree = degrees[node]!;
    if (degree === 0) continue;
    let sum = b[node]!;
    for (let at = starts[node]!; at < starts[node + 1]!; at++) sum += weights[at]! * x[targets[at]!]!;
    x[node] = sum / degree;
  }
}

function merged(graph: Graph): { readonly of: Uint32Array; readonly coarse: Graph } {
  let of = Uint32Array.from({ length: graph.nodes }, (_, node) => node);
  let coarse = graph;
  for (let merge = 0; merge < MERGES && coarse.targets.length > 0; merge++) {
    const parts = paired(coarse);
    of = of.map((node) => parts.of[node]!);
    coarse = quotient(coarse, parts.of, parts.count);
  }
  return { of, coarse };
}

/** Each node with its strongest free neighbour; where no strong one is free, to the part of the strongest. */
function paired({ nodes, starts, targets, weights }: Graph): {
  readonly of: Uint32Array;
  readonly count: number;
} {
  const FREE = 0xffff_ffff;
  const of = new Uint32Array(nodes).fill(FREE);
  let count = 0;
  for (let node = 0; node < nodes; node++) {
    if (of[node] !== FREE) continue;
    let [strongest, free] = [-1, -1];
    for (let at = starts[node]!; at < starts[node + 1]!; at++) {
      if (strongest < 0 || weights[at]! > weights[strongest]!) strongest = at;
      if (of[targets[at]!] === FREE && (free < 0 || weights[at]! > weights[free]!)) free = at;
    }
    if (free >= 0 && weights[free]! >= STRONG * weights[strongest]!) {
      of[node] = count;
      of[targets[free]!] = count++;
    } else if (strongest < 0) of[node] = count++;
    // Not free, else it were the strongest free one.
    else of[node] = of[targets[strongest]!]!;
  }
  return { of, count };
}

/** The graph of the parts: a link's weight is that of all links between the two; those within a part are gone. */
function quotient({ nodes, starts, targets, weights }: Graph, of: Uint32Array, count: number): Graph {
  const members = Array.from({ length: count }, (): number[] => []);
  for (let node = 0; node < nodes; node++) members[of[node]!]!.push(node);
  const sums = new Float64Array(count);
  const ends = new Uint32Array(count + 1);
  const linked: number[] = [];
  const strengths: number[] = [];
  for (const [part, own] of members.entries()) {
    const near: number[] = [];
    for (const node of own)
      for (let at = starts[node]!; at < starts[node + 1]!; at++) {
        const other = of[targets[at]!]!;
        if (other === part) continue;
        if (sums[other] === 0) near.push(other);
        sums[other]! += weights[at]!;
      }
    for (const other of near.sort((a, b) => a - b)) {
      linked.push(other);
      strengths.push(sums[other]!);
      sums[other] = 0;
    }
    ends[part + 1] = linked.length;
  }
  return {
    nodes: count,
    starts: ends,
    targets: Uint32Array.from(linked),
    weights: Float64Array.from(strengths),
  };
}

function weightedDegrees({ nodes, starts, weights }: Graph): Float64Array {
  const degrees = new Float64Array(nodes);
  for (let node = 0; node < nodes; node++)
    for (let at = starts[node]!; at < starts[node + 1]!; at++) degrees[node]! += weights[at]!;
  return degrees;
}
