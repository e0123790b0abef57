import { strict as assert } from 'node:assert';
import { bytesToHex, compareBytes, concatBytes, sha256, utf8ToBytes } from '../crypto/index.js';
import { MEMBERS_MAX, REHASHES_PER_MEMBER_MAX, RING_SEATS_MAX, SEAT_WEIGHT_MAX } from './limits.js';

/**
 * One validator's arc. `publicKey` (Ed25519) and `vrfPublicKey` have 32 bytes; `weight` is its capped
 * reputation, a whole number >= 0. Weight 0 keeps the seat and gives up the arc: the hash never names it.
 */
export interface RingSeat {
  readonly publicKey: Uint8Array;
  readonly vrfPublicKey: Uint8Array;
  readonly weight: number;
}

const TAG_ROOT = utf8ToBytes('consilium/ring/1');
const KEY_BYTES = 32;
const HASH_SPACE = 1n << 256n;

/**
 * The committee of a height: indices into `ring`, in the order in which they were drawn; the first leads.
 *
 * The seed is rehashed with SHA-256 again and again; each hash, as a 256-bit big-endian number, names the
 * validator on whose arc of the ring (arcs in order of public key, as long as their weight) it falls; who is
 * chosen already is passed over, until `members` are found.
 *
 * Unbiased: a hash at or above the largest multiple of the total weight is passed over too.
 * Bounded: after 16 · members rehashes the chosen ones' arcs are taken off the ring, so that every further
 *   hash names a new member. That changes no probability, only which hashes are spent.
 * Weight 0: drawn by no hash. Seats of weight 0 fill a committee that has no other left, after all others and
 *   in ring order; they lead only if every weight is 0, when all count 1.
 * Limits: ring sorted by public key without repeats, at most 10,000 seats; 1 <= members <= min(ring, 100).
 * Cost: about 16 · members hashes at most; 1.3 µs each.
 * Source: the seed paper's reputation-weighted hash ring; DESIGN.md section 5.
 */
export function drawCommittee(
  ring: readonly RingSeat[],
  seed: Uint8Array,
  members: number,
): readonly number[] {
  assertRing(ring);
  assert(Number.isInteger(members) && members >= 1, 'a committee has members');
  assert(members <= ring.length && members <= MEMBERS_MAX, 'no more members than seats, nor than the limit');
  const leaderless = ring.every((seat) => seat.weight === 0);
  const weights = ring.map((seat) => (leaderless ? 1 : seat.weight));
  const drawable = Math.min(members, weights.filter((weight) => weight > 0).length);

  const chosen = new Set<number>();
  let arcs = arcsOf(weights);
  let hash = seed;
  for (let rehashes = 1; chosen.size < drawable; rehashes++) {
    hash = sha256(hash);
    const seat = seatAt(arcs, hash);
    if (seat !== undefined) chosen.add(seat);
    if (rehashes >= REHASHES_PER_MEMBER_MAX * members) {
      arcs = arcsOf(weights.map((weight, index) => (chosen.has(index) ? 0 : weight)));
    }
  }
  for (let index = 0; chosen.size < members; index++) chosen.add(index);
  return [...chosen];
}

/**
 * What a header commits to as `nextRingRoot`: SHA-256 over tag, number of seats (4 bytes) and for each seat
 * public key (32), VRF key (32), weight (8), all big-endian.
 */
export function ringRoot(ring: readonly RingSeat[]): Uint8Array {
  assertRing(ring);
  const numbers = new DataView(new ArrayBuffer(12));
  numbers.setUint32(0, ring.length);
  const parts: Uint8Array[] = [TAG_ROOT, new Uint8Array(numbers.buffer.slice(0, 4))];
  for (const { publicKey, vrfPublicKey, weight } of ring) {
    numbers.setBigUint64(4, BigInt(weight));
    parts.push(publicKey, vrfPublicKey, new Uint8Array(numbers.buffer.slice(4)));
  }
  return sha256(concatBytes(...parts));
}

interface Arcs {
  /** Where each seat's arc ends; it begins where the one before ends. */
  readonly ends: readonly number[];
  readonly total: bigint;
  /** First hash that is passed over: the largest multiple of `total` within 2^256. */
  readonly limit: bigint;
}

function arcsOf(weights: readonly number[]): Arcs {
  let end = 0;
  const ends = weights.map((weight) => {
    end += weight;
    return end;
  });
  const total = BigInt(end);
  return { ends, total, limit: total === 0n ? 0n : HASH_SPACE - (HASH_SPACE % total) };
}

/** The seat on whose arc the hash falls: the first whose end lies beyond it. */
function seatAt({ ends, total, limit }: Arcs, hash: Uint8Array): number | undefined {
  const number = BigInt(`0x${bytesToHex(hash)}`);
  if (number >= limit) return undefined;
  const position = Number(number % total);
  let low = 0;
  let high = ends.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ends[middle]! > position) high = middle;
    else low = middle + 1;
  }
  return low;
}

function assertRing(ring: readonly RingSeat[]): void {
  assert(ring.length > 0 && ring.length <= RING_SEATS_MAX, 'a ring has seats, within the limit');
  ring.forEach(({ publicKey, vrfPublicKey, weight }, index) => {
    assert(publicKey.length === KEY_BYTES && vrfPublicKey.length === KEY_BYTES, 'keys have 32 bytes');
    assert(Number.isInteger(weight) && weight >= 0 && weight <= SEAT_WEIGHT_MAX, 'a weight is in range');
    const before = ring[index - 1];
    assert(!before || compareBytes(before.publicKey, publicKey) < 0, 'a ring is sorted, without repeats');
  });
}
