import { strict as assert } from 'node:assert';
import { ed25519, ed25519_hasher } from '@noble/curves/ed25519.js';
import { concatBytes, equalBytes, utf8ToBytes } from './bytes.js';
import {
  bytesToNumberLE,
  type Edwards,
  Irregular,
  nobleEdwards,
  numberToBytesLE,
  ORDER,
  sodiumEdwards,
} from './edwards.js';
import { sha512 } from './hash.js';
import { sodium } from './sodium.js';

/*
 * ECVRF-EDWARDS25519-SHA512, RFC 9381 sections 5 and 5.5. The names are the RFC's. Chains use suite TAI: what it hashes
 * to the curve is public, so its varying time tells nothing, and libsodium computes all of it. ELL2 is beside it.
 * Where libsodium is missing, a prover that shares its machine with an adversary leaks timing: BigInt is not
 * constant time.
 */

/** Proof: gamma (32 bytes), c (16, little-endian), s (32, little-endian). */
export const VRF_PROOF_BYTES = 80;
/** The VRF's output. */
export const VRF_HASH_BYTES = 64;

const q = ORDER;
const POINT_BYTES = 32;
const CHALLENGE_BYTES = 16;

/** What tells the suites apart: the octet in every hash, and the way from an input to a point. */
export interface VrfSuite {
  readonly octet: number;
  encodeToCurve<P>(curve: Edwards<P>, publicKey: Uint8Array, alpha: Uint8Array): P;
}

/** ECVRF-EDWARDS25519-SHA512-TAI: try and increment, section 5.4.1.1. */
export const tai: VrfSuite = { octet: 3, encodeToCurve: tryAndIncrement };

/** ECVRF-EDWARDS25519-SHA512-ELL2: RFC 9380's map of every input in the same number of steps, section 5.4.1.2. */
export const ell2: VrfSuite = { octet: 4, encodeToCurve: elligator2 };

interface Proof<P> {
  readonly gamma: P;
  readonly challenge: Uint8Array;
  readonly s: Uint8Array;
}

/** The VRF public key (32 bytes) of a secret key (32-byte seed). */
export function vrfPublicKeyOf(secret: Uint8Array): Uint8Array {
  return expand(secret).publicKey;
}

/**
 * The proof (80 bytes) that `vrfProofToHash` of it is the VRF's value at `alpha` under the key. Deterministic.
 *
 * Cost: about 0.6 ms; 4 ms without libsodium.
 */
export function vrfProve(secret: Uint8Array, alpha: Uint8Array): Uint8Array {
  return onCurve((curve) => proveOn(curve, tai, secret, alpha));
}

/**
 * The output (64 bytes) of a proof, null if the proof does not decode. It says nothing about the proof being right:
 * use what `vrfVerify` returns, except for a proof that was verified before.
 */
export function vrfProofToHash(proof: Uint8Array): Uint8Array | null {
  return onCurve((curve) => {
    const decoded = decodeProof(curve, proof);
    return decoded && hashOf(curve, tai, decoded.gamma);
  });
}

/**
 * Verifies a proof and returns the output (64 bytes), or null. Never throws.
 *
 * Refuses: any length but 80, points that are not canonical or not on the curve, s >= q, keys of small order
 *   (validate_key, section 5.4.5: for these, outputs would not be unique).
 * Cost: about 0.5 ms; 3 ms without libsodium.
 */
export function vrfVerify(publicKey: Uint8Array, alpha: Uint8Array, proof: Uint8Array): Uint8Array | null {
  return onCurve((curve) => verifyOn(curve, tai, publicKey, alpha, proof));
}

const fast = sodium === null ? null : sodiumEdwards(sodium);

/** With libsodium where that computes it, else with noble. */
function onCurve<R>(compute: <P>(curve: Edwards<P>) => R): R {
  if (fast === null) return compute(nobleEdwards);
  try {
    return compute(fast);
  } catch (error) {
    if (error instanceof Irregular) return compute(nobleEdwards);
    throw error;
  }
}

/** `vrfProve` with one library and suite: for `onCurve`, and for tests that compare. */
export function proveOn<P>(
  curve: Edwards<P>,
  suite: VrfSuite,
  secret: Uint8Array,
  alpha: Uint8Array,
): Uint8Array {
  const { x, prefix, publicKey } = expand(secret);
  const h = suite.encodeToCurve(curve, publicKey, alpha);
  const hString = curve.encode(h);
  const gamma = curve.encode(curve.multiply(h, numberToBytesLE(x % q, 32), true));
  // Section 5.4.2.2, as RFC 8032 makes its nonce.
  const k = bytesToNumberLE(sha512(prefix, hString)) % q;
  const kBytes = numberToBytesLE(k, 32);
  const challenge = generateChallenge(suite, [
    publicKey,
    hString,
    gamma,
    curve.encode(curve.multiplyBase(kBytes, true)),
    curve.encode(curve.multiply(h, kBytes, true)),
  ]);
  const s = (k + bytesToNumberLE(challenge) * x) % q;
  return concatBytes(gamma, challenge, numberToBytesLE(s, 32));
}

/** `vrfVerify` with one library and suite. */
export function verifyOn<P>(
  curve: Edwards<P>,
  suite: VrfSuite,
  publicKey: Uint8Array,
  alpha: Uint8Array,
  proof: Uint8Array,
): Uint8Array | null {
  const y = curve.decode(publicKey);
  const decoded = decodeProof(curve, proof);
  if (y === null || isIdentity(curve, curve.clearCofactor(y)) || decoded === null) return null;
  const { gamma, challenge, s } = decoded;
  const c = concatBytes(challenge, new Uint8Array(32 - CHALLENGE_BYTES));
  const h = suite.encodeToCurve(curve, publicKey, alpha);
  const u = curve.subtract(curve.multiplyBase(s, false), curve.multiply(y, c, false));
  const v = curve.subtract(curve.multiply(h, s, false), curve.multiply(gamma, c, false));
  const points = [h, gamma, u, v].map((point) => curve.encode(point));
  const expected = generateChallenge(suite, [publicKey, ...points]);
  return equalBytes(challenge, expected) ? hashOf(curve, suite, gamma) : null;
}

function expand(secret: Uint8Array): { x: bigint; prefix: Uint8Array; publicKey: Uint8Array } {
  assert.equal(secret.length, 32, 'a VRF secret key has 32 bytes');
  const { scalar, prefix, pointBytes } = ed25519.utils.getExtendedPublicKey(secret);
  return { x: scalar, prefix, publicKey: pointBytes };
}

/** ECVRF_encode_to_curve_try_and_increment, section 5.4.1.1, salted with the public key. */
function tryAndIncrement<P>(curve: Edwards<P>, publicKey: Uint8Array, alpha: Uint8Array): P {
  for (let counter = 0; counter < 256; counter++) {
    const front = Uint8Array.of(tai.octet, 1);
    const digest = sha512(front, publicKey, alpha, Uint8Array.of(counter, 0));
    const point = curve.decode(digest.subarray(0, POINT_BYTES));
    const h = point && curve.clearCofactor(point);
    if (h !== null && !isIdentity(curve, h)) return h;
  }
  // Each try succeeds with probability one half: 2^-256 for all to fail.
  throw new assert.AssertionError({ message: 'no point on the curve in 256 tries' });
}

const ELL2_TAG = utf8ToBytes('ECVRF_edwards25519_XMD:SHA-512_ELL2_NU_\x04');

/** ECVRF_encode_to_curve_h2c_suite, section 5.4.1.2, salted with the public key. Cost: about 1 ms, by noble. */
function elligator2<P>(curve: Edwards<P>, publicKey: Uint8Array, alpha: Uint8Array): P {
  const point = ed25519_hasher.encodeToCurve(concatBytes(publicKey, alpha), { DST: ELL2_TAG });
  const h = curve.decode(point.toBytes());
  assert(h !== null, 'the map leaves the curve');
  return h;
}

/** Is it the neutral element, y = 1? */
function isIdentity<P>(curve: Edwards<P>, point: P): boolean {
  return curve.encode(point).every((byte, at) => byte === (at === 0 ? 1 : 0));
}

/** ECVRF_challenge_generation, section 5.4.3. */
function generateChallenge({ octet }: VrfSuite, points: readonly Uint8Array[]): Uint8Array {
  return sha512(Uint8Array.of(octet, 2), ...points, Uint8Array.of(0)).slice(0, CHALLENGE_BYTES);
}

/** ECVRF_proof_to_hash, section 5.2, from step 4. */
function hashOf<P>(curve: Edwards<P>, { octet }: VrfSuite, gamma: P): Uint8Array {
  return sha512(Uint8Array.of(octet, 3), curve.encode(curve.clearCofactor(gamma)), Uint8Array.of(0));
}

/** ECVRF_decode_proof, section 5.4.4. */
function decodeProof<P>(curve: Edwards<P>, proof: Uint8Array): Proof<P> | null {
  if (proof.length !== VRF_PROOF_BYTES) return null;
  const gamma = curve.decode(proof.subarray(0, POINT_BYTES));
  const challenge = proof.slice(POINT_BYTES, POINT_BYTES + CHALLENGE_BYTES);
  const s = proof.slice(POINT_BYTES + CHALLENGE_BYTES);
  if (gamma === null || bytesToNumberLE(s) >= q) return null;
  return { gamma, challenge, s };
}
