import { strict as assert } from 'node:assert';
import type { ClippingRelease } from './rule.js';

/**
 * The noised share of a round's units that were not clipped, as whole numbers: `whole` of `all`. Noise may say less than
 * none or more than all; then it is none or all.
 */
export function wholeShare({ signedCount, asked }: Pick<ClippingRelease, 'signedCount' | 'asked'>): {
  readonly whole: bigint;
  readonly all: bigint;
} {
  assert.ok(signedCount !== null && Number.isSafeInteger(signedCount), 'the rule needs its count');
  assert.ok(Number.isSafeInteger(asked) && asked >= 1, 'a count of at least one unit');
  const units = BigInt(asked);
  const told = BigInt(signedCount);
  const count = told < -units ? -units : told > units ? units : told;
  return { whole: units + count, all: 2n * units };
}
