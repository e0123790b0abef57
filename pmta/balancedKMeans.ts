import { createRandom, type Random } from './random.js';

const ROUNDS_MAX = 50;
/** Passes over all pairs of clusters in one assignment. */
const PASSES_MAX = 20;

export interface KMeansOptions {
  readonly dimensions: number;
  readonly clusters: number;
  /** No cluster exceeds `balance` times the mean size, rounded up; 1: sizes are even; Infinity: no bound. */
  readonly balance: number;
  /** Of so many beginnings the best is kept. */
  readonly attempts: number;
  readonly seed: Uint8Array;
}

export interface Clustering {
  /** [points], each 0 .. clusters - 1. */
  readonly labels: Uint32Array;
  /** The sum of squared distances to the clusters' means. */
  readonly cost: number;
}

/**
 * K-means with bounded cluster sizes: centres drawn apart (k-means++), then assignment and means in turn.
 *
 * points: [n][dimensions], row-major. An assignment first deals the points to the nearest centre with room, those with
 * most to lose first, then moves and exchanges points between each pair of clusters as long as that costs less, so it is
 * the best for any two clusters, if not always for all. Deterministic from the seed; ties by index.
 * Cost: rounds · (n · clusters · dimensions + clusters² · n log n).
 * Source: Arthur and Vassilvitskii 2007 (the beginning); Malinen and Fränti 2014 (balanced sizes).
 */
export function balancedKMeans(points: Float64Array, options: KMeansOptions): Clustering {
  const { dimensions, clusters, balance, attempts, seed } = options;
  const size = points.length / dimensions;
  if (!(Number.isSafeInteger(clusters) && clusters >= 1 && clusters <= size))
    throw new RangeError(`${clusters} clusters of ${size} points`);
  if (!(balance >= 1)) throw new RangeError(`balance ${balance}`);
  const room = Math.ceil(Math.min(size, (balance * size) / clusters));
  const random = createRandom(seed);
  let best: Clustering | null = null;
  for (let attempt = 0; attempt < Math.max(1, attempts); attempt++) {
    const found = oneAttempt(points, dimensions, clusters, room, random);
    if (best === null || found.cost < best.cost) best = found;
  }
  return best!;
}

function oneAttempt(
  points: Float64Array,
  dimensions: number,
  clusters: number,
  room: number,
  random: Random,
): Clustering {
  const size = points.length / dimensions;
  let centres = firstCentres(points, dimensions, clusters, random);
  let best: Clustering = { labels: new Uint32Array(size), cost: Number.POSITIVE_INFINITY };
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const squares = squaresTo(points, centres, dimensions, clusters);
    const labels = assign(squares, size, clusters, room);
    centres = meansOf(points, labels, centres, dimensions, clusters);
    const cost = costOf(points, labels, centres, dimensions);
    if (!(cost < best.cost)) break;
    best = { labels, cost };
  }
  return best;
}

/** The first at random, each further one with a chance in proportion to its squared distance from those before. */
function firstCentres(
  points: Float64Array,
  dimensions: number,
  clusters: number,
  random: Random,
): Float64Array {
  const size = points.length / dimensions;
  const centres = new Float64Array(clusters * dimensions);
  const nearest = new Float64Array(size).fill(Number.POSITIVE_INFINITY);
  for (let cluster = 0; cluster < clusters; cluster++) {
    const chosen = cluster === 0 ? random.below(size) : drawn(nearest, random);
    for (let i = 0; i < dimensions; i++) centres[cluster * dimensions + i] = points[chosen * dimensions + i]!;
    for (let point = 0; point < size; point++)
      nearest[point] = Math.min(nearest[point]!, square(points, point, centres, cluster, dimensions));
  }
  return centres;
}

function drawn(chances: Float64Array, random: Random): number {
  const total = chances.reduce((sum, chance) => sum + chance, 0);
  if (total === 0) return random.below(chances.length);
  let left = random.unit() * total;
  for (const [index, chance] of chances.entries()) {
    left -= chance;
    if (left < 0) return index;
  }
  return chances.length - 1;
}

/** [points][clusters]. */
function squaresTo(points: Float64Array, centres: Float64Array, dimensions: number, clusters: number) {
  const size = points.length / dimensions;
  const squares = new Float64Array(size * clusters);
  for (let point = 0; point < size; point++)
    for (let cluster = 0; cluster < clusters; cluster++)
      squares[point * clusters + cluster] = square(points, point, centres, cluster, dimensions);
  return squares;
}

function assign(squares: Float64Array, size: number, clusters: number, room: number): Uint32Array {
  const sizes = new Uint32Array(clusters);
  const labels = new Uint32Array(size);
  for (const point of byRegret(squares, size, clusters)) {
    let best = -1;
    for (let cluster = 0; cluster < clusters; cluster++) {
      if (sizes[cluster]! >= room) continue;
      if (best < 0 || squares[point * clusters + cluster]! < squares[point * clusters + best]!)
        best = cluster;
    }
    labels[point] = best;
    sizes[best]!++;
  }
  for (let pass = 0; pass < PASSES_MAX; pass++) {
    const members = Array.from({ length: clusters }, (): number[] => []);
    for (const [point, label] of labels.entries()) members[label]!.push(point);
    let changed = false;
    for (let a = 0; a < clusters; a++)
      for (let b = a + 1; b < clusters; b++)
        changed = exchange(squares, labels, members, { a, b, clusters, room }) || changed;
    if (!changed) break;
  }
  return labels;
}

/** Points by how much worse their second nearest centre is, the most first. */
function byRegret(squares: Float64Array, size: number, clusters: number): number[] {
  const regret = new Float64Array(size);
  for (let point = 0; point < size; point++) {
    let [first, second] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let cluster = 0; cluster < clusters; cluster++) {
      const own = squares[point * clusters + cluster]!;
      if (own < first) [first, second] = [own, first];
      else if (own < second) second = own;
    }
    regret[point] = clusters === 1 ? 0 : second - first;
  }
  return Array.from({ length: size }, (_, point) => point).sort((p, q) => regret[q]! - regret[p]! || p - q);
}

interface Pair {
  readonly a: number;
  readonly b: number;
  readonly clusters: number;
  readonly room: number;
}

/** Moves and exchanges points between two clusters while that costs less. Did anything move? */
function exchange(
  squares: Float64Array,
  labels: Uint32Array,
  members: number[][],
  { a, b, clusters, room }: Pair,
): boolean {
  const gainOf = (to: number, from: number) => (point: number) =>
    squares[point * clusters + from]! - squares[point * clusters + to]!;
  const [toB, toA] = [gainOf(b, a), gainOf(a, b)];
  const [inA, inB] = [members[a]!, members[b]!];
  const most = (points: readonly number[], gain: (point: number) => number): number =>
    points.reduce((best, point) => Math.max(best, gain(point)), Number.NEGATIVE_INFINITY);
  const [mostA, mostB] = [most(inA, toB), most(inB, toA)];
  if (!isBetter(mostA, mostB) && !(mostA > 0 && inB.length < room) && !(mostB > 0 && inA.length < room))
    return false;
  inA.sort((p, q) => toB(q) - toB(p) || p - q);
  inB.sort((p, q) => toA(q) - toA(p) || p - q);
  let [i, j] = [0, 0];
  for (;;) {
    const first = i < inA.length ? toB(inA[i]!) : Number.NEGATIVE_INFINITY;
    const second = j < inB.length ? toA(inB[j]!) : Number.NEGATIVE_INFINITY;
    const [sizeA, sizeB] = [inA.length - i + j, inB.length - j + i];
    if (first > 0 && sizeB < room) i++;
    else if (second > 0 && sizeA < room) j++;
    else if (isBetter(first, second)) {
      i++;
      j++;
    } else break;
  }
  const [leaving, coming] = [inA.splice(0, i), inB.splice(0, j)];
  for (const point of leaving) labels[point] = b;
  for (const point of coming) labels[point] = a;
  inA.push(...coming);
  inB.push(...leaving);
  return i + j > 0;
}

/** Does an exchange of these gains pay, by more than rounding? */
function isBetter(first: number, second: number): boolean {
  return first + second > 1e-12 * (Math.abs(first) + Math.abs(second));
}

/** A cluster without points keeps its centre. */
function meansOf(
  points: Float64Array,
  labels: Uint32Array,
  before: Float64Array,
  dimensions: number,
  clusters: number,
): Float64Array {
  const sums = new Float64Array(clusters * dimensions);
  const sizes = new Uint32Array(clusters);
  for (const [point, label] of labels.entries()) {
    sizes[label]!++;
    for (let i = 0; i < dimensions; i++) sums[label * dimensions + i]! += points[point * dimensions + i]!;
  }
  return sums.map((sum, at) => {
    const own = sizes[Math.floor(at / dimensions)]!;
    return own === 0 ? before[at]! : sum / own;
  });
}

function costOf(
  points: Float64Array,
  labels: Uint32Array,
  centres: Float64Array,
  dimensions: number,
): number {
  let sum = 0;
  for (const [point, label] of labels.entries()) sum += square(points, point, centres, label, dimensions);
  return sum;
}

function square(
  points: Float64Array,
  point: number,
  centres: Float64Array,
  cluster: number,
  dimensions: number,
): number {
  let sum = 0;
  for (let i = 0; i < dimensions; i++) {
    const apart = points[point * dimensions + i]! - centres[cluster * dimensions + i]!;
    sum += apart * apart;
  }
  return sum;
}
