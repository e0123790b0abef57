import { strict as assert } from 'node:assert';

/** Coordinate-wise mean of at least one vector. */
export function meanOf(vectors: readonly Float64Array[]): Float64Array {
  assert.ok(vectors.length > 0, 'an attacker knows at least one update');
  return vectors[0]!.map((_, index) => vectors.reduce((sum, one) => sum + one[index]!, 0) / vectors.length);
}

/** Coordinate-wise standard deviation around the mean; 0 for one vector. */
export function deviationOf(vectors: readonly Float64Array[], mean: Float64Array): Float64Array {
  return mean.map((centre, index) =>
    Math.sqrt(vectors.reduce((sum, one) => sum + (one[index]! - centre) ** 2, 0) / vectors.length),
  );
}
