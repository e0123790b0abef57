/** So much shorter: what is left is mostly rounding. */
const SHRUNK = 1e-10;

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += a[index]! * b[index]!;
  return sum;
}

/** The sum of the vectors, each by its weight; four at a time, which is what memory waits for. */
export function combined(vectors: readonly Float64Array[], weights: ArrayLike<number>): Float64Array {
  const sum = new Float64Array(vectors[0]!.length);
  add(sum, vectors, weights, 1);
  return sum;
}

/** The part of a vector that is orthogonal to the others (orthonormal ones), of length 1; null: there is none. */
export function unitOrthogonal(
  vector: Float64Array,
  others: readonly (readonly Float64Array[])[],
): Float64Array<ArrayBuffer> | null {
  const own = Float64Array.from(vector);
  const before = Math.sqrt(dot(own, own));
  // Twice is enough (Parlett 1980, section 6.9).
  for (let time = 0; time < 2; time++)
    for (const group of others)
      add(
        own,
        group,
        group.map((other) => dot(own, other)),
        -1,
      );
  const length = Math.sqrt(dot(own, own));
  return length > SHRUNK * before ? own.map((entry) => entry / length) : null;
}

function add(
  sum: Float64Array,
  vectors: readonly Float64Array[],
  weights: ArrayLike<number>,
  sign: 1 | -1,
): void {
  let first = 0;
  for (; first + 4 <= vectors.length; first += 4) {
    const [a, b, c, d] = [vectors[first]!, vectors[first + 1]!, vectors[first + 2]!, vectors[first + 3]!];
    const p = sign * weights[first]!;
    const q = sign * weights[first + 1]!;
    const r = sign * weights[first + 2]!;
    const s = sign * weights[first + 3]!;
    for (let at = 0; at < sum.length; at++) sum[at]! += p * a[at]! + q * b[at]! + r * c[at]! + s * d[at]!;
  }
  for (; first < vectors.length; first++) {
    const vector = vectors[first]!;
    const weight = sign * weights[first]!;
    for (let at = 0; at < sum.length; at++) sum[at]! += weight * vector[at]!;
  }
}
