import { eigenSystem } from '../fl/index.js';
import { componentsOf, type Graph, laplacianTimes } from './graph.js';
import { createRandom, type Random } from './random.js';

/** Vectors beyond those that are looked for: kept over a restart, and at most held. */
const KEPT = 8;
const HELD = 50;
const RESTARTS_MAX = 100;
/** The largest length of L·v - λ·v that counts as found, as a part of L's norm. */
const TOLERANCE = 1e-6;

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
 * Those of 0 are known: they are constant on the connected components. The others come from Lanczos with full
 * orthogonalisation and restarts that keep the best vectors, from the second on by a polynomial of L, in what is orthogonal to these. One run finds a multiple eigenvalue once, so
 * runs in what is orthogonal to all that was found follow, until one finds nothing smaller. Deterministic from the seed.
 * Cost: some hundred products with L, O(edges) each, and as many orthogonalisations of O(nodes · (count + HELD)).
 * Source: Wu and Simon 2000 (thick restarts); Parlett 1980, chapter 13 (why to orthogonalise fully).
 */
export function smallestEigenpairs(graph: Graph, count: number, seed: Uint8Array): EigenResult {
  if (!(Number.isSafeInteger(count) && count >= 1 && count <= graph.nodes))
    throw new RangeError(`${count} pairs`);
  const random = createRandom(seed);
  const norm = 2 * largestDegree(graph);
  const tolerance = TOLERANCE * norm;
  let pairs: readonly Eigenpair[] = constantOnComponents(graph, count);
  for (;;) {
    const missing = count - pairs.length;
    const room = graph.nodes - pairs.length;
    if (room === 0) return { ok: true, pairs };
    // Where all are there: is one smaller than the largest still to be found?
    const found = lanczos(graph, pairs, Math.max(1, missing), norm, random);
    const worst = Math.max(...found.map(({ residual }) => residual));
    if (worst > tolerance) return { ok: false, reason: 'not-converged', residual: worst };
    const largest = pairs.at(-1)?.value ?? 0;
    if (missing === 0 && found[0]!.value >= largest - 2 * tolerance) return { ok: true, pairs };
    pairs = [...pairs, ...found].sort((a, b) => a.value - b.value).slice(0, count);
    if (pairs.every(({ value }) => value === 0)) return { ok: true, pairs };
  }
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

/** Bounds L's norm by half (Gershgorin). */
function largestDegree({ nodes, starts, weights }: Graph): number {
  let most = 0;
  for (let node = 0; node < nodes; node++) {
    let degree = 0;
    for (let at = starts[node]!; at < starts[node + 1]!; at++) degree += weights[at]!;
    most = Math.max(most, degree);
  }
  return most;
}

type Operator = (vector: Float64Array) => Float64Array;

/** The smallest pairs in what is orthogonal to `taken`, or the nearest that was come to. */
function lanczos(
  graph: Graph,
  taken: readonly Eigenpair[],
  count: number,
  norm: number,
  random: Random,
): readonly Eigenpair[] {
  const tolerance = TOLERANCE * norm;
  const room = graph.nodes - taken.length;
  const wanted = Math.min(count, room);
  const held = Math.min(room, wanted + HELD);
  const kept = Math.max(wanted, Math.min(held - 1, wanted + KEPT));
  const aside = taken.map(({ vector }) => vector);
  const fresh = (): Float64Array => Float64Array.from({ length: graph.nodes }, () => random.normal());
  let operator: Operator = (vector) => laplacianTimes(graph, vector);
  let space: Space = { basis: [], images: [], next: fresh() };
  for (let restart = 0; ; restart++) {
    const grown = grow(space, operator, held, aside, fresh);
    const { vectors } = eigenSystem(
      grown.basis.map((vector) => Float64Array.from(grown.images, (image) => dot(vector, image))),
    );
    const basis = vectors.slice(0, kept).map((weights) => combined(grown.basis, weights));
    const pairs = basis.map((vector) => pairOf(graph, vector));
    const found = pairs.slice(0, wanted);
    const isFound = found.every(({ residual }) => residual <= tolerance);
    if (isFound || held === room || restart === RESTARTS_MAX) return found;
    if (restart === 0) {
      // No Ritz value lies below its eigenvalue, so all that is wanted lies below the last of these.
      operator = filter(graph, Math.max(pairs.at(-1)!.value, tolerance), norm);
      space = { basis: [], images: [], next: added(basis.slice(0, wanted)) };
    } else {
      const images = vectors.slice(0, kept).map((weights) => combined(grown.images, weights));
      space = { basis, images, next: grown.next };
    }
  }
}

/** Orthonormal vectors, what the operator makes of each, and where they go on from (null: nowhere). */
interface Space {
  readonly basis: readonly Float64Array[];
  readonly images: readonly Float64Array[];
  readonly next: Float64Array | null;
}

/** `next` of the result is orthogonal to all of the basis, so it stays the right one when a part of it is dropped. */
function grow(
  { basis, images, next }: Space,
  operator: Operator,
  held: number,
  aside: readonly Float64Array[],
  fresh: () => Float64Array,
): Space {
  const grown = { basis: [...basis], images: [...images] };
  let direction = next;
  while (grown.basis.length < held) {
    // Where the space is used up, with a new direction.
    const unit = unitOrthogonal(direction ?? fresh(), [...aside, ...grown.basis]);
    direction = null;
    if (unit === null) continue;
    grown.basis.push(unit);
    grown.images.push(operator(unit));
    direction = grown.images.at(-1)!;
  }
  return {
    ...grown,
    next: direction === null ? null : unitOrthogonal(direction, [...aside, ...grown.basis]),
  };
}

function pairOf(graph: Graph, vector: Float64Array): Eigenpair {
  const image = laplacianTimes(graph, vector);
  const value = dot(vector, image);
  let square = 0;
  for (const [node, entry] of image.entries()) square += (entry - value * vector[node]!) ** 2;
  return { value: Math.max(0, value), vector, residual: Math.sqrt(square) };
}

/** The degree of the polynomial: so many products with L, cheaper than as many vectors to be orthogonal to. */
const DEGREE = 16;

/**
 * Minus a Chebyshev polynomial of L: between -1 and 1 on above .. norm, falling fast below it, so that the eigenvectors keep
 * their order and those that are wanted stand out. Source: Zhou, Saad, Tiago, Chelikowsky 2006.
 */
function filter(graph: Graph, above: number, norm: number): Operator {
  const [middle, half] = [(norm + above) / 2, (norm - above) / 2];
  if (!(half > 0)) return (vector) => laplacianTimes(graph, vector);
  const moved = (x: Float64Array): Float64Array =>
    laplacianTimes(graph, x).map((entry, node) => (entry - middle * x[node]!) / half);
  return (vector) => {
    let [before, now] = [vector, moved(vector)];
    for (let degree = 2; degree <= DEGREE; degree++) {
      const after = moved(now);
      for (let node = 0; node < after.length; node++) after[node] = 2 * after[node]! - before[node]!;
      [before, now] = [now, after];
    }
    return now.map((entry) => -entry);
  };
}

function added(vectors: readonly Float64Array[]): Float64Array {
  return combined(vectors, new Float64Array(vectors.length).fill(1));
}

/** So much shorter: what is left is mostly rounding. */
const SHRUNK = 1e-10;

/** The part of a vector that is orthogonal to the others, of length 1; null: there is none. */
function unitOrthogonal(
  vector: Float64Array,
  others: readonly Float64Array[],
): Float64Array<ArrayBuffer> | null {
  const own = Float64Array.from(vector);
  const before = Math.sqrt(dot(own, own));
  // Twice is enough (Parlett 1980, section 6.9).
  for (let time = 0; time < 2; time++)
    for (const other of others) {
      const along = dot(own, other);
      for (let node = 0; node < own.length; node++) own[node]! -= along * other[node]!;
    }
  const length = Math.sqrt(dot(own, own));
  return length <= SHRUNK * before ? null : own.map((entry) => entry / length);
}

function combined(basis: readonly Float64Array[], weights: ArrayLike<number>): Float64Array {
  const sum = new Float64Array(basis[0]!.length);
  for (const [index, vector] of basis.entries()) {
    const weight = weights[index]!;
    for (let node = 0; node < sum.length; node++) sum[node]! += weight * vector[node]!;
  }
  return sum;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += a[index]! * b[index]!;
  return sum;
}
