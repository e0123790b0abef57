import { strict as assert } from 'node:assert';
import { compareBytes, concatBytes, equalBytes, sha256, utf8ToBytes } from '../crypto/index.js';
import { MEMBERS_MAX, RING_SEATS_MAX, SEAT_WEIGHT_MAX } from './limits.js';
import { raceOrder } from './race.js';

/**
 * One validator's seat on the ring. `publicKey` (Ed25519) and `vrfPublicKey` have 32 bytes; `weight` is its capped
 * reputation, a whole number >= 0. Weight 0 keeps the seat and gives up the draw: it comes after all others.
 */
export interface RingSeat {
  readonly publicKey: Uint8Array;
  readonly vrfPublicKey: Uint8Array;
  readonly weight: number;
}

const TAG_ROOT = utf8ToBytes('consilium/ring/1');
const TAG_POINT = utf8ToBytes('consilium/ring-point/1');
const KEY_BYTES = 32;

/**
 * The committee of a height: indices into `ring`, in the order in which they were drawn; the first leads.
 *
 * For this seed each validator has a point on the ring of circumference 2^256, SHA-256(tag ‖ seed ‖ public key), and a
 * way to go from it: −log2 of the point as a share of the circumference, divided by its weight. The M shortest ways
 * are the committee. As the ways are exponential in law, with the weights as rates, this is the sequential draw
 * without replacement in proportion to weight. And it is a consistent hash: nobody's way depends on anybody else, so
 * a validator that joins, leaves or changes its weight moves itself in the order, and no two others.
 *
 * Integers only: ways have 64 binary digits and are compared by cross-multiplication (the chances are exact to about
 * 2^-60); equal ones go by ring order.
 * Weight 0: seats of weight 0 fill a committee that has no other left, after all others and in ring order; they lead
 *   only if every weight is 0, when all count 1.
 * Limits: ring sorted by public key without repeats, at most 10,000 seats; 1 <= members <= min(ring, 100).
 * Cost: about 3 µs a seat; the committee drawn last from each ring is remembered.
 * Source: the seed paper's reputation-weighted hash ring; Efraimidis, Spirakis 2006, "Weighted random sampling with a
 *   reservoir"; the straw2 buckets of Ceph's CRUSH use the same race.
 */
export function drawCommittee(
  ring: readonly RingSeat[],
  seed: Uint8Array,
  members: number,
): readonly number[] {
  assert(Number.isInteger(members) && members >= 1, 'a committee has members');
  assert(members <= ring.length && members <= MEMBERS_MAX, 'no more members than seats, nor than the limit');
  const last = lastDraws.get(ring);
  if (last !== undefined && last.order.length >= members && equalBytes(last.seed, seed))
    return last.order.slice(0, members);
  if (last === undefined) assertRing(ring);
  const order = orderOf(ring, seed);
  lastDraws.set(ring, { seed, order });
  return order.slice(0, members);
}

/** Notes a committee that another thread has drawn from an equal ring and this seed: it is not drawn again. */
export function noteDraw(ring: readonly RingSeat[], seed: Uint8Array, order: readonly number[]): void {
  lastDraws.set(ring, { seed, order });
}

/** Rings are never changed once made; a height draws its committee several times. */
const lastDraws = new WeakMap<
  readonly RingSeat[],
  { readonly seed: Uint8Array; readonly order: readonly number[] }
>();

function orderOf(ring: readonly RingSeat[], seed: Uint8Array): readonly number[] {
  const leaderless = ring.every((seat) => seat.weight === 0);
  const racers = ring.flatMap(({ publicKey, weight }, index) =>
    weight === 0 && !leaderless
      ? []
      : [{ index, weight: leaderless ? 1 : weight, hash: sha256(TAG_POINT, seed, publicKey) }],
  );
  const drawn = raceOrder(racers).map(({ index }) => index);
  const rest = leaderless ? [] : ring.flatMap(({ weight }, index) => (weight === 0 ? [index] : []));
  return [...drawn, ...rest];
}

/**
 * What a header commits to as `nextRingRoot`: SHA-256 over tag, number of seats (4 bytes) and for each seat
 * public key (32), VRF key (32), weight (8), all big-endian.
 */
export function ringRoot(ring: readonly RingSeat[]): Uint8Array {
  let root = ringRoots.get(ring);
  if (root === undefined) {
    root = computeRingRoot(ring);
    ringRoots.set(ring, root);
  }
  return root;
}

/** Every block of an era names the same one. */
const ringRoots = new WeakMap<readonly RingSeat[], Uint8Array>();

function computeRingRoot(ring: readonly RingSeat[]): Uint8Array {
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

function assertRing(ring: readonly RingSeat[]): void {
  assert(ring.length > 0 && ring.length <= RING_SEATS_MAX, 'a ring has seats, within the limit');
  ring.forEach(({ publicKey, vrfPublicKey, weight }, index) => {
    assert(publicKey.length === KEY_BYTES && vrfPublicKey.length === KEY_BYTES, 'keys have 32 bytes');
    assert(Number.isInteger(weight) && weight >= 0 && weight <= SEAT_WEIGHT_MAX, 'a weight is in range');
    const before = ring[index - 1];
    assert(!before || compareBytes(before.publicKey, publicKey) < 0, 'a ring is sorted, without repeats');
  });
}
