/** Keys as contracts make them: joined anew at each use. */
export function keyOf(index: number): string {
  const id = Math.imul(index + 1, 0x9e3779b1) >>> 0;
  return ['anchor/entry', id.toString(16).padStart(64, '0'), index].join('/');
}

export function valueFrom(seed: number): Uint8Array {
  const value = new Uint8Array(24);
  new DataView(value.buffer).setFloat64(0, seed);
  return value;
}
