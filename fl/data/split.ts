import { drbg } from '../../crypto/index.js';
import { createUniform } from '../privacy/uniform.js';

/**
 * Splits row numbers 0 .. rows-1 into a training and a test part, at random but repeatably.
 *
 * Seeded Fisher-Yates from the public DRBG: every split is equally likely (rejection sampling, no modulo bias)
 * and the same seed gives the same split on every machine. The first trainRows of the shuffle train.
 * Needs whole numbers with 0 <= trainRows <= rows < 2³².
 */
export function splitRows(
  rows: number,
  trainRows: number,
  seed: Uint8Array,
): { train: number[]; test: number[] } {
  if (!isCount(rows) || !isCount(trainRows) || trainRows > rows || rows >= 2 ** 32)
    throw new RangeError(`cannot take ${trainRows} of ${rows} rows`);
  const order = shuffled(rows, seed);
  return { train: order.slice(0, trainRows), test: order.slice(trainRows) };
}

/** The numbers 0 .. count-1 in an order that the seed decides: every one equally likely. Needs count < 2³². */
export function shuffled(count: number, seed: Uint8Array): number[] {
  const uniform = createUniform(drbg(seed), 256);
  const order = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const chosen = uniform.below(last + 1);
    [order[last], order[chosen]] = [order[chosen]!, order[last]!];
  }
  return order;
}

/** Deals the numbers out like cards, one to each part in turn: sizes differ by one at most. */
export function dealRoundRobin(indices: readonly number[], parts: number): number[][] {
  if (!isCount(parts) || parts === 0) throw new RangeError(`cannot deal to ${parts} parts`);
  const dealt: number[][] = Array.from({ length: parts }, () => []);
  for (const [turn, index] of indices.entries()) dealt[turn % parts]!.push(index);
  return dealt;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
