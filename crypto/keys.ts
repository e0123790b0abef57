import { strict as assert } from 'node:assert';
import {
  createPrivateKey,
  createPublicKey,
  sign as edSign,
  verify as edVerify,
  type KeyObject,
} from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { bytesToHex, concatBytes, hexToBytes } from './bytes.js';
import { sha256 } from './hash.js';

/** A secret key is its 32-byte seed (RFC 8032); public keys have 32 bytes, signatures 64. */
export const SECRET_KEY_BYTES = 32;
export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

// RFC 8410: the fixed DER bytes in front of a raw key.
const PKCS8_PREFIX = hexToBytes('302e020100300506032b657004220420');
const SPKI_PREFIX = hexToBytes('302a300506032b6570032100');

/** Parsing a key costs about as much as using it; a network has hundreds of keys, used thousands of times. */
const CACHED_KEYS_MAX = 4096;

interface KeyPair {
  readonly secret: KeyObject;
  readonly publicKey: Uint8Array;
}

const pairs = new Map<string, KeyPair>();
const publicKeys = new Map<string, KeyObject | null>();

/** The Ed25519 public key (32 bytes) of a secret key (32-byte seed). */
export function publicKeyOf(secret: Uint8Array): Uint8Array {
  return new Uint8Array(pairOf(secret).publicKey);
}

/**
 * Ed25519 signature (64 bytes) of a message under a 32-byte seed. Deterministic.
 *
 * Cost: about 40 µs once the key is cached.
 * Source: RFC 8032.
 */
export function sign(secret: Uint8Array, message: Uint8Array): Uint8Array {
  return new Uint8Array(edSign(null, message, pairOf(secret).secret));
}

/**
 * Whether `signature` is the key's Ed25519 signature of `message`. Never throws: malformed input is false.
 *
 * All nodes must answer alike, so the rule is the strict one: canonical public key that is not of small order
 *   (a small-order key has signatures that fit any message), s < q, and the cofactorless equation on the bytes of R.
 * Cost: about 140 µs once the key is cached.
 * Source: RFC 8032; Chalkias, Garillot, Nikolaenko 2020, "Taming the many EdDSAs".
 */
export function verifySignature(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  const key = publicKeyObject(publicKey);
  return key !== null && edVerify(null, message, key, signature);
}

/** Whether the bytes are a canonical Ed25519 public key that is not of small order. Never throws. */
export function isPublicKey(bytes: Uint8Array): boolean {
  return bytes.length === PUBLIC_KEY_BYTES && publicKeyObject(bytes) !== null;
}

function pairOf(secret: Uint8Array): KeyPair {
  assert.equal(secret.length, SECRET_KEY_BYTES, 'a secret key has 32 bytes');
  // Keyed by a digest, so that no copy of the seed stays behind as an immutable string.
  return cached(pairs, bytesToHex(sha256(secret)), () => {
    const pkcs8 = Buffer.from(concatBytes(PKCS8_PREFIX, secret));
    const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
    return { secret: key, publicKey: new Uint8Array(spki.subarray(SPKI_PREFIX.length)) };
  });
}

function publicKeyObject(publicKey: Uint8Array): KeyObject | null {
  return cached(publicKeys, bytesToHex(publicKey), () => {
    if (!isStrictPoint(publicKey)) return null;
    const spki = Buffer.from(concatBytes(SPKI_PREFIX, publicKey));
    return createPublicKey({ key: spki, format: 'der', type: 'spki' });
  });
}

/** OpenSSL takes non-canonical and small-order points; noble says which they are. */
function isStrictPoint(bytes: Uint8Array): boolean {
  try {
    return !ed25519.Point.fromBytes(bytes, false).isSmallOrder();
  } catch {
    return false;
  }
}

/** First in, first out: a flood of made-up keys can push others out but never grow the map. */
function cached<V>(map: Map<string, V>, id: string, make: () => V): V {
  const known = map.get(id);
  if (known !== undefined) return known;
  const value = make();
  if (map.size >= CACHED_KEYS_MAX) map.delete(map.keys().next().value!);
  map.set(id, value);
  return value;
}
