import { eigenSystem } from '../fl/index.js';
import { componentsOf, type Graph, laplacianTimes } from './graph.js';
import { multigrid } from './multigrid.js';
import { createRandom, type Random } from './random.js';
import { combined, dot, unitOrthogonal } from './vectors.js';

/** Vectors beyond those that are looked for: they bring the wanted ones out, and multiple eigenvalues. */
const GUARDS = 4;
/** Blocks of vectors that are held before a restart with the best two. */
const BLOCKS = 5;
const STEPS_MAX = 300;
/** The largest length of L·v - λ·v that counts as found, as a part of λ; its square is the error of λ. */
const TOLERANCE = 1e-4;
/** As a part of L's norm: rounding leaves no less. */
const ROUNDING = 1e-13;

export interface Eigenpair {
  readonly value: number;
  /** [nodes], of length 1. */
  readonly vector: Float64Array;
  /** The length of L·v - λ·v. */
  readonly residual: number;
}

export type EigenResult =
  | { readonly ok: true; readonly pairs: readonly Eigenpair[] }
  | { readonly ok: false; readonly reason: 'not-converged'; readonly residual: number };

/**
 * The `count` smallest eigenpairs of a graph's unnormalised Laplacian, ascending.
 *
 * Those of 0 are known: they are constant on the connected components. The others come by Davidson's method in what is
 * orthogonal to these: a space of vectors grows by what multigrid makes of the residuals of its best ones, a block at
 * a time, so the time hardly depends on how small the eigenvalues are or how close they lie. An eigenvalue is found as often
 * as it occurs, up to the block's size. Deterministic from the seed.
 * Cost: 10 to 40 steps of (count + GUARDS) multigrid cycles each, O(edges), beside O(nodes · (count + GUARDS)²).
 * Source: Davidson 1975; Stathopoulos and Saad 1998 (thick restarts); Parlett 1980, section 6.9 (orthogonalise twice).
 */
export function smallestEigenpairs(graph: Graph, count: number, seed: Uint8Array): EigenResult {
  if (!(Number.isSafeInteger(count) && count >= 1 && count <= graph.nodes))
    throw new RangeError(`${count} pairs`);
  const zeros = constantOnComponents(graph, count);
  const wanted = count - zeros.length;
  const found = wanted === 0 ? [] : davidson(graph, zeros, wanted, createRandom(seed));
  const limit = limitOf(graph);
  const worst = found.find((pair) => !(pair.residual <= limit(pair.value)));
  if (worst !== undefined) return { ok: false, reason: 'not-converged', residual: worst.residual };
  return { ok: true, pairs: [...zeros, ...found] };
}

function constantOnComponents(graph: Graph, count: number): Eigenpair[] {
  const component = componentsOf(graph);
  const sizes: number[] = [];
  for (const own of component) sizes[own] = (sizes[own] ?? 0) + 1;
  return sizes.slice(0, count).map((size, index) => {
    const vector = Float64Array.from(component, (own) => (own === index ? 1 / Math.sqrt(size) : 0));
    return { value: 0, vector, residual: 0 };
  });
}

/** The residual that a pair of this value may have. */
function limitOf({ nodes, starts, weights }: Graph): (value: number) => number {
  let most = 0;
  for (let node = 0; node < nodes; node++) {
    let degree = 0;
    for (let at = starts[node]!; at < starts[node + 1]!; at++) degree += weights[at]!;
    most = Math.max(most, degree);
  }
  // Twice the largest degree bounds L's norm (Gershgorin).
  return (value) => Math.max(TOLERANCE * value, ROUNDING * 2 * most);
}

/** The smallest pairs in what is orthogonal to `taken`, or the nearest that was come to. */
function davidson(graph: Graph, taken: readonly Eigenpair[], count: number, random: Random): Eigenpair[] {
  const room = graph.nodes - taken.length;
  const wanted = Math.min(count, room);
  const block = Math.min(room, wanted + GUARDS);
  const held = Math.min(room, BLOCKS * block);
  const aside = taken.map(({ vector }) => vector);
  const limit = limitOf(graph);
  const solve = multigrid(graph);
  const fresh = (): Float64Array => Float64Array.from({ length: graph.nodes }, () => random.normal());
  let space: Space = { basis: [], images: [], products: [] };
  let directions = Array.from({ length: block }, () => {
    const start = unitOrthogonal(fresh(), [aside]);
    return start === null ? fresh() : solve(start);
  });
  let found: Eigenpair[] = [];
  for (let step = 0; ; step++) {
    grow(space, graph, directions, aside, held);
    // Where the directions added nothing, new ones: the space never stays as it is before it is all there is.
    if (space.basis.length < block)
      grow(space, graph, Array.from({ length: 2 * block }, fresh), aside, block);
    const { values, vectors } = eigenSystem(space.products.map((row) => Float64Array.from(row)));
    const best = vectors.slice(0, block).map((weights, index) => {
      const vector = combined(space.basis, weights);
      const left = combined(space.images, weights).map((entry, at) => entry - values[index]! * vector[at]!);
      const value = Math.max(0, values[index]!);
      return { pair: { value, vector, residual: Math.sqrt(dot(left, left)) }, left };
    });
    found = best.slice(0, wanted).map(({ pair }) => pair);
    const isFound = found.every(({ value, residual }) => residual <= limit(value));
    if (isFound || space.basis.length === room || step === STEPS_MAX) return found;
    directions = best.filter(({ pair }) => pair.residual > limit(pair.value)).map(({ left }) => solve(left));
    if (space.basis.length + directions.length > held) space = restarted(space, values, vectors, 2 * block);
  }
}

/** Orthonormal vectors, what L makes of each, and basisᵀ·L·basis. */
interface Space {
  readonly basis: Float64Array[];
  readonly images: Float64Array[];
  readonly products: number[][];
}

/** Adds what is new in the directions, up to `held` vectors. */
function grow(
  { basis, images, products }: Space,
  graph: Graph,
  directions: readonly Float64Array[],
  aside: readonly Float64Array[],
  held: number,
): void {
  for (const direction of directions) {
    if (basis.length >= held) return;
    const unit = unitOrthogonal(direction, [aside, basis]);
    if (unit === null) continue;
    const image = laplacianTimes(graph, unit);
    const row = basis.map((vector) => dot(vector, image));
    for (const [index, product] of row.entries()) products[index]!.push(product);
    products.push([...row, dot(unit, image)]);
    basis.push(unit);
    images.push(image);
  }
}

/** The space of the best vectors alone. */
function restarted(
  { basis, images }: Space,
  values: Float64Array,
  vectors: readonly Float64Array[],
  kept: number,
): Space {
  const best = vectors.slice(0, kept);
  return {
    basis: best.map((weights) => combined(basis, weights)),
    images: best.map((weights) => combined(images, weights)),
    products: best.map((_, i) => best.map((__, j) => (i === j ? values[i]! : 0))),
  };
}
