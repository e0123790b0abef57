import { strict as assert } from 'node:assert';

/** ⌊√value⌋ of a non-negative integer. Newton from above; about log₂ of the bit length steps. */
export function integerSqrt(value: bigint): bigint {
  assert.ok(value >= 0n, 'square root of a negative number');
  if (value < 2n) return value;
  // 2^⌈bits/2⌉ is at least the root, and Newton falls from any start above it.
  let root = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** ⌈√value⌉ of a non-negative integer. */
export function integerSqrtCeil(value: bigint): bigint {
  const root = integerSqrt(value);
  return root * root === value ? root : root + 1n;
}
