/** Room for rounding between the norm as computed and the norm as it is. */
const SAFETY = 1 - 2 ** -30;

/**
 * A whole vector shortened to length C = clip16 / 2^16 at most: how an update is clipped under the unit `device`.
 *
 * In float64 the square of the norm of at most 2^22 entries is right to 2^-31, so that the bound holds in real numbers.
 * A vector that isn't finite becomes zero: that is a bounded contribution too, while an error would tell of it.
 */
export function clipWhole(
  vector: Float64Array,
  clip16: number,
): { readonly vector: Float64Array; readonly clipped: boolean } {
  let squared = 0;
  for (const entry of vector) squared += entry * entry;
  const norm = Math.sqrt(squared);
  if (!Number.isFinite(norm)) return { vector: new Float64Array(vector.length), clipped: true };
  const limit = (clip16 / 65_536) * SAFETY;
  if (norm <= limit) return { vector: vector.slice(), clipped: false };
  const factor = limit / norm;
  return { vector: vector.map((entry) => entry * factor), clipped: true };
}
