import { strict as assert } from 'node:assert';
import { ed25519 } from '@noble/curves/ed25519.js';
import { concatBytes, equalBytes } from './bytes.js';
import { sha512 } from './hash.js';

/*
 * ECVRF-EDWARDS25519-SHA512-TAI, RFC 9381 sections 5 and 5.5, suite 0x03. The names are the RFC's.
 * JS BigInt is not constant time: a prover that shares its machine with an adversary leaks timing.
 */

/** Proof: gamma (32 bytes), c (16, little-endian), s (32, little-endian). */
export const VRF_PROOF_BYTES = 80;
/** The VRF's output. */
export const VRF_HASH_BYTES = 64;

const { Point } = ed25519;
type Point = InstanceType<typeof Point>;

const SUITE = 3;
const q = Point.Fn.ORDER;
const POINT_BYTES = 32;
const CHALLENGE_BYTES = 16;

interface Proof {
  readonly gamma: Point;
  readonly challenge: Uint8Array;
  readonly c: bigint;
  readonly s: bigint;
}

/** The VRF public key (32 bytes) of a secret key (32-byte seed). */
export function vrfPublicKeyOf(secret: Uint8Array): Uint8Array {
  return expand(secret).publicKey;
}

/**
 * The proof (80 bytes) that `vrfProofToHash` of it is the VRF's value at `alpha` under the key. Deterministic.
 *
 * Cost: about 4 ms.
 */
export function vrfProve(secret: Uint8Array, alpha: Uint8Array): Uint8Array {
  const { x, prefix, publicKey } = expand(secret);
  const h = encodeToCurve(publicKey, alpha);
  const hString = h.toBytes();
  const gamma = h.multiply(x);
  const k = bytesToNumberLE(sha512(prefix, hString)) % q; // section 5.4.2.2, as RFC 8032 makes its nonce
  const challenge = generateChallenge([
    publicKey,
    hString,
    gamma.toBytes(),
    Point.BASE.multiply(k).toBytes(),
    h.multiply(k).toBytes(),
  ]);
  const s = (k + bytesToNumberLE(challenge) * x) % q;
  return concatBytes(gamma.toBytes(), challenge, numberToBytesLE(s, 32));
}

/**
 * The output (64 bytes) of a proof, null if the proof does not decode. It says nothing about the proof being right:
 * use what `vrfVerify` returns, except for a proof that was verified before.
 */
export function vrfProofToHash(proof: Uint8Array): Uint8Array | null {
  const decoded = decodeProof(proof);
  return decoded && hashOf(decoded.gamma);
}

/**
 * Verifies a proof and returns the output (64 bytes), or null. Never throws.
 *
 * Refuses: any length but 80, points that are not canonical or not on the curve, s >= q, keys of small order
 *   (validate_key, section 5.4.5: for these, outputs would not be unique).
 * Cost: about 3 ms.
 */
export function vrfVerify(publicKey: Uint8Array, alpha: Uint8Array, proof: Uint8Array): Uint8Array | null {
  const y = decodePoint(publicKey);
  const decoded = decodeProof(proof);
  if (y === null || y.isSmallOrder() || decoded === null) return null;
  const { gamma, challenge, c, s } = decoded;
  const h = encodeToCurve(publicKey, alpha);
  const u = Point.BASE.multiplyUnsafe(s).subtract(y.multiplyUnsafe(c));
  const v = h.multiplyUnsafe(s).subtract(gamma.multiplyUnsafe(c));
  const expected = generateChallenge([publicKey, h.toBytes(), gamma.toBytes(), u.toBytes(), v.toBytes()]);
  return equalBytes(challenge, expected) ? hashOf(gamma) : null;
}

function expand(secret: Uint8Array): { x: bigint; prefix: Uint8Array; publicKey: Uint8Array } {
  assert.equal(secret.length, 32, 'a VRF secret key has 32 bytes');
  const { scalar, prefix, pointBytes } = ed25519.utils.getExtendedPublicKey(secret);
  return { x: scalar, prefix, publicKey: pointBytes };
}

/** ECVRF_encode_to_curve_try_and_increment, section 5.4.1.1, salted with the public key. */
function encodeToCurve(publicKey: Uint8Array, alpha: Uint8Array): Point {
  for (let counter = 0; counter < 256; counter++) {
    const front = Uint8Array.of(SUITE, 1);
    const digest = sha512(front, publicKey, alpha, Uint8Array.of(counter, 0));
    const h = decodePoint(digest.subarray(0, POINT_BYTES))?.clearCofactor();
    if (h && !h.is0()) return h;
  }
  // Each try succeeds with probability one half: 2^-256 for all to fail.
  throw new assert.AssertionError({ message: 'no point on the curve in 256 tries' });
}

/** ECVRF_challenge_generation, section 5.4.3. */
function generateChallenge(points: readonly Uint8Array[]): Uint8Array {
  return sha512(Uint8Array.of(SUITE, 2), ...points, Uint8Array.of(0)).slice(0, CHALLENGE_BYTES);
}

/** ECVRF_proof_to_hash, section 5.2, from step 4. */
function hashOf(gamma: Point): Uint8Array {
  return sha512(Uint8Array.of(SUITE, 3), gamma.clearCofactor().toBytes(), Uint8Array.of(0));
}

/** ECVRF_decode_proof, section 5.4.4. */
function decodeProof(proof: Uint8Array): Proof | null {
  if (proof.length !== VRF_PROOF_BYTES) return null;
  const gamma = decodePoint(proof.subarray(0, POINT_BYTES));
  const challenge = proof.slice(POINT_BYTES, POINT_BYTES + CHALLENGE_BYTES);
  const s = bytesToNumberLE(proof.subarray(POINT_BYTES + CHALLENGE_BYTES));
  if (gamma === null || s >= q) return null;
  return { gamma, challenge, c: bytesToNumberLE(challenge), s };
}

/** string_to_point: RFC 8032 section 5.1.3, strict. */
function decodePoint(bytes: Uint8Array): Point | null {
  if (bytes.length !== POINT_BYTES) return null;
  try {
    return Point.fromBytes(bytes, false);
  } catch {
    return null;
  }
}

function bytesToNumberLE(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  return value;
}

function numberToBytesLE(value: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = Number((value >> BigInt(8 * i)) & 0xffn);
  return bytes;
}
