import { strict as assert } from 'node:assert';
import { ed25519 } from '@noble/curves/ed25519.js';
import { bytesToHex } from './bytes.js';
import { type Ed25519, ed25519Of, type Signer } from './ed25519.js';
import { sha256 } from './hash.js';

/** A secret key is its 32-byte seed (RFC 8032); public keys have 32 bytes, signatures 64. */
export const SECRET_KEY_BYTES = 32;
export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

/** Parsing a key costs about as much as using it; a network has hundreds of keys, used thousands of times. */
const CACHED_KEYS_MAX = 4096;

type Verifier = ReturnType<Ed25519['verifier']>;

const signers = new Map<string, Signer>();
const verifiers = new Map<string, Verifier | null>();

/** The Ed25519 public key (32 bytes) of a secret key (32-byte seed). */
export function publicKeyOf(secret: Uint8Array): Uint8Array {
  return new Uint8Array(signerOf(secret).publicKey);
}

/**
 * Ed25519 signature (64 bytes) of a message under a 32-byte seed. Deterministic.
 *
 * Cost: about 40 µs once the key is cached.
 * Source: RFC 8032.
 */
export function sign(secret: Uint8Array, message: Uint8Array): Uint8Array {
  return signerOf(secret).sign(message);
}

/**
 * Whether `signature` is the key's Ed25519 signature of `message`. Never throws: malformed input is false.
 *
 * All nodes must answer alike, so the rule is the strict one: canonical public key that is not of small order
 *   (a small-order key has signatures that fit any message), R not of small order either, s < q, and the cofactorless
 *   equation on the bytes of R.
 * Cost: about 70 µs once the key is cached, half of that from its 32nd use on (knownKeys.ts).
 * Source: RFC 8032; Chalkias, Garillot, Nikolaenko 2020, "Taming the many EdDSAs".
 */
export function verifySignature(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  return verifierOf(publicKey)?.(message, signature) ?? false;
}

/** Whether the bytes are a canonical Ed25519 public key that is not of small order. Never throws. */
export function isPublicKey(bytes: Uint8Array): boolean {
  return bytes.length === PUBLIC_KEY_BYTES && verifierOf(bytes) !== null;
}

function signerOf(secret: Uint8Array): Signer {
  assert.equal(secret.length, SECRET_KEY_BYTES, 'a secret key has 32 bytes');
  // Keyed by a digest, so that no copy of the seed stays behind as an immutable string.
  return cached(signers, bytesToHex(sha256(secret)), () => ed25519Of.signer(secret));
}

function verifierOf(publicKey: Uint8Array): Verifier | null {
  return cached(verifiers, bytesToHex(publicKey), () =>
    isStrictPoint(publicKey) ? ed25519Of.verifier(new Uint8Array(publicKey)) : null,
  );
}

/** Neither library says which keys these are before it is asked about a signature; noble does. */
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
