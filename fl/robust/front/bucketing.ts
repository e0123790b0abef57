import { sha256, utf8ToBytes } from '../../../crypto/index.js';
import { shuffled } from '../../data/split.js';
import type { RoundUpdate } from '../rule.js';
import type { Blend, Front } from './front.js';

/** Updates a bucket: 2 is what the paper recommends, with fewer than a quarter of the devices faulty. */
const BUCKET = 2;

/**
 * 2-bucketing: updates are shuffled and averaged two by two; the last bucket of an odd number holds one.
 *
 * Permutation: seeded Fisher-Yates from SHA-256 over a tag, the round, and the payload hashes in the order of the
 *   devices. All of it stands in blocks, so every node gets the same; nobody can tell the buckets before the last
 *   update of the round is in. Whoever sends last could try out several updates to choose its partner: with two a
 *   bucket that is worth one bucket, which f reckons with already.
 * f faulty devices spoil at most f buckets, of which there are half as many: rules by rank bound f by the buckets.
 * Source: Karimireddy et al. 2022, arXiv:2006.09365, algorithm 1.
 */
export const bucketing: Front = {
  name: 'bucketing',
  blend: (updates, { round }) => {
    const order = shuffled(updates.length, permutationSeed(updates, round));
    const blends: Blend[] = [];
    for (let start = 0; start < order.length; start += BUCKET) {
      const members = order.slice(start, start + BUCKET).sort((a, b) => a - b);
      blends.push({ of: members, standsFor: members });
    }
    return blends;
  },
};

function permutationSeed(updates: readonly RoundUpdate[], round: number): Uint8Array {
  const text = ['consilium/bucketing/1', String(round), ...updates.map(({ hash }) => hash)].join('\n');
  return sha256(utf8ToBytes(text));
}
