const SWEEPS_MAX = 60;

export interface EigenSystem {
  /** [size], ascending. */
  readonly values: Float64Array;
  /** [size]: vectors[i] belongs to values[i], of length 1. */
  readonly vectors: readonly Float64Array[];
}

/**
 * All eigenvalues and eigenvectors of a small symmetric matrix, [size][size], by cyclic Jacobi rotations: slow for large
 * ones, accurate, and at ease with eigenvalues that occur several times. Cost: O(size³) a sweep, 6 to 10 sweeps.
 * Source: Golub and Van Loan 2013, section 8.5.
 */
export function eigenSystem(matrix: readonly Float64Array[]): EigenSystem {
  const size = matrix.length;
  const a = matrix.map((row) => Float64Array.from(row));
  const v = Array.from({ length: size }, (_, i) =>
    Float64Array.from({ length: size }, (_, j) => (i === j ? 1 : 0)),
  );
  const total = a.reduce((sum, row) => row.reduce((own, entry) => own + entry * entry, sum), 0);
  for (let sweep = 0; sweep < SWEEPS_MAX && offDiagonal(a) > (size * Number.EPSILON) ** 2 * total; sweep++)
    for (let p = 0; p < size; p++) for (let q = p + 1; q < size; q++) rotate(a, v, p, q);
  const order = Array.from({ length: size }, (_, i) => i).sort((i, j) => a[i]![i]! - a[j]![j]! || i - j);
  return { values: Float64Array.from(order, (i) => a[i]![i]!), vectors: order.map((i) => v[i]!) };
}

function offDiagonal(a: readonly Float64Array[]): number {
  let sum = 0;
  for (const [i, row] of a.entries()) for (let j = 0; j < i; j++) sum += 2 * row[j]! * row[j]!;
  return sum;
}

/** Makes a[p][q] zero. v holds the vectors as rows. */
function rotate(a: readonly Float64Array[], v: readonly Float64Array[], p: number, q: number): void {
  const [rowP, rowQ] = [a[p]!, a[q]!];
  const off = rowP[q]!;
  if (off === 0) return;
  const theta = (rowQ[q]! - rowP[p]!) / (2 * off);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let k = 0; k < a.length; k++) {
    const [x, y] = [rowP[k]!, rowQ[k]!];
    rowP[k] = c * x - s * y;
    rowQ[k] = s * x + c * y;
  }
  for (const row of a) {
    const [x, y] = [row[p]!, row[q]!];
    row[p] = c * x - s * y;
    row[q] = s * x + c * y;
  }
  const [vectorP, vectorQ] = [v[p]!, v[q]!];
  for (let k = 0; k < vectorP.length; k++) {
    const [x, y] = [vectorP[k]!, vectorQ[k]!];
    vectorP[k] = c * x - s * y;
    vectorQ[k] = s * x + c * y;
  }
}
