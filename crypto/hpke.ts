import { strict as assert } from 'node:assert';
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import { x25519 } from '@noble/curves/ed25519.js';
import { concatBytes, utf8ToBytes } from './bytes.js';

/*
 * Hybrid public key encryption in base mode with one ciphersuite: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
 * ChaCha20-Poly1305. Single shot: one message an encapsulation, sequence number 0.
 *
 * Source: RFC 9180. Vectors: its appendix A.2.1. noble is not constant time (see the threat model).
 */

const KEM_ID = 0x0020;
const KDF_ID = 0x0001;
const AEAD_ID = 0x0003;
const KEM_SUITE = concatBytes(utf8ToBytes('KEM'), u16(KEM_ID));
const SUITE = concatBytes(utf8ToBytes('HPKE'), u16(KEM_ID), u16(KDF_ID), u16(AEAD_ID));
const MODE_BASE = Uint8Array.of(0);
const NOTHING = new Uint8Array(0);
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** An X25519 key pair, 32 bytes each. */
export interface HpkeKeys {
  readonly secret: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** A message to the holder of one key. */
export interface HpkeSealed {
  /** Encapsulated key: an X25519 public key, 32 bytes. */
  readonly enc: Uint8Array;
  /** 16 bytes longer than the message. */
  readonly ciphertext: Uint8Array;
}

/** Keys from input key material: at least 32 bytes of entropy. RFC 9180, section 7.1.3. */
export function deriveHpkeKeys(ikm: Uint8Array): HpkeKeys {
  assert.ok(ikm.length >= KEY_BYTES, 'enough key material');
  const prk = labeledExtract(KEM_SUITE, NOTHING, 'dkp_prk', ikm);
  const secret = labeledExpand(KEM_SUITE, prk, 'sk', NOTHING, KEY_BYTES);
  return { secret, publicKey: x25519.getPublicKey(secret) };
}

/**
 * Seals a message to a public key. `ikm`: 32 fresh random bytes, never used again.
 *
 * Asserts that the key is 32 bytes; null if it is a point of small order, which would make the secret public.
 */
export function hpkeSeal(parts: {
  readonly publicKey: Uint8Array;
  readonly ikm: Uint8Array;
  readonly info: Uint8Array;
  readonly aad: Uint8Array;
  readonly message: Uint8Array;
}): HpkeSealed | null {
  const { publicKey, ikm, info, aad, message } = parts;
  assert.equal(publicKey.length, KEY_BYTES, 'a public key');
  const { secret, publicKey: enc } = deriveHpkeKeys(ikm);
  const dh = agree(secret, publicKey);
  if (dh === null) return null;
  const { key, nonce } = schedule(sharedSecret(dh, enc, publicKey), info);
  return { enc, ciphertext: aeadSeal(key, nonce, aad, message) };
}

/** The message; null if it was sealed to another key, for something else, or was altered. */
export function hpkeOpen(parts: {
  readonly keys: HpkeKeys;
  readonly sealed: HpkeSealed;
  readonly info: Uint8Array;
  readonly aad: Uint8Array;
}): Uint8Array | null {
  const { keys, sealed, info, aad } = parts;
  const dh = sealed.enc.length === KEY_BYTES ? agree(keys.secret, sealed.enc) : null;
  if (dh === null) return null;
  const { key, nonce } = schedule(sharedSecret(dh, sealed.enc, keys.publicKey), info);
  return aeadOpen(key, nonce, aad, sealed.ciphertext);
}

/** ChaCha20-Poly1305, RFC 8439; the tag comes last. `nonce`: never twice under one key. */
export function aeadSeal(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  message: Uint8Array,
): Uint8Array {
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(aad, { plaintextLength: message.length });
  const text = concatBytes(cipher.update(message), cipher.final());
  return concatBytes(text, cipher.getAuthTag());
}

/** Null: another key, other data, or altered. */
export function aeadOpen(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | null {
  const end = sealed.length - TAG_BYTES;
  if (end < 0) return null;
  const decipher = createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(aad, { plaintextLength: end });
  decipher.setAuthTag(sealed.subarray(end));
  try {
    return concatBytes(decipher.update(sealed.subarray(0, end)), decipher.final());
  } catch {
    return null;
  }
}

/** Null: the other's point is of small order. */
function agree(secret: Uint8Array, publicKey: Uint8Array): Uint8Array | null {
  try {
    return x25519.getSharedSecret(secret, publicKey);
  } catch {
    return null;
  }
}

/** ExtractAndExpand of section 4.1. */
function sharedSecret(dh: Uint8Array, enc: Uint8Array, publicKey: Uint8Array): Uint8Array {
  const prk = labeledExtract(KEM_SUITE, NOTHING, 'eae_prk', dh);
  return labeledExpand(KEM_SUITE, prk, 'shared_secret', concatBytes(enc, publicKey), KEY_BYTES);
}

/** KeySchedule of section 5.1, in base mode: neither psk nor psk_id. */
function schedule(shared: Uint8Array, info: Uint8Array) {
  const pskIdHash = labeledExtract(SUITE, NOTHING, 'psk_id_hash', NOTHING);
  const infoHash = labeledExtract(SUITE, NOTHING, 'info_hash', info);
  const context = concatBytes(MODE_BASE, pskIdHash, infoHash);
  const secret = labeledExtract(SUITE, shared, 'secret', NOTHING);
  return {
    key: labeledExpand(SUITE, secret, 'key', context, KEY_BYTES),
    nonce: labeledExpand(SUITE, secret, 'base_nonce', context, NONCE_BYTES),
  };
}

function labeledExtract(suite: Uint8Array, salt: Uint8Array, label: string, ikm: Uint8Array): Uint8Array {
  return hmac(salt, concatBytes(utf8ToBytes('HPKE-v1'), suite, utf8ToBytes(label), ikm));
}

/** Never more than one block of the hash is asked for, so HKDF-Expand is a single HMAC. */
function labeledExpand(
  suite: Uint8Array,
  prk: Uint8Array,
  label: string,
  info: Uint8Array,
  length: number,
): Uint8Array {
  const labeled = concatBytes(u16(length), utf8ToBytes('HPKE-v1'), suite, utf8ToBytes(label), info);
  return hmac(prk, concatBytes(labeled, Uint8Array.of(1))).slice(0, length);
}

function hmac(key: Uint8Array, message: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac('sha256', key).update(message).digest());
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}
