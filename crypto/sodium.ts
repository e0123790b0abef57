import { createRequire } from 'node:module';

/** The functions of libsodium that this room calls; the package ships no types. All throw on wrong lengths. */
export interface Sodium {
  /** False unless the signature is good; also for small-order and non-canonical keys, small-order R and s >= q. */
  crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
  crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void;
  /** Fills in the public key and the secret key (64 bytes: seed ‖ public key). */
  crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void;
  crypto_hash_sha512(digest: Uint8Array, message: Uint8Array): void;
  /** 64 bytes to 32, modulo the group's order. */
  crypto_core_ed25519_scalar_reduce(scalar: Uint8Array, bytes: Uint8Array): void;
  /** Points of any order; throws for bytes that are no point of the curve. */
  crypto_core_ed25519_add(sum: Uint8Array, p: Uint8Array, q: Uint8Array): void;
  crypto_core_ed25519_sub(difference: Uint8Array, p: Uint8Array, q: Uint8Array): void;
  /** Constant time. Throws for points outside the subgroup of prime order, and for a product that is the identity. */
  crypto_scalarmult_ed25519_noclamp(product: Uint8Array, scalar: Uint8Array, point: Uint8Array): void;
  crypto_scalarmult_ed25519_base_noclamp(product: Uint8Array, scalar: Uint8Array): void;
}

/**
 * libsodium, or null where the package has no binary for this platform (an Alpine image, for one): callers then use
 * what Node has, which gives the same answers and takes longer.
 */
export const sodium: Sodium | null = load();

function load(): Sodium | null {
  const require = createRequire(import.meta.url);
  try {
    return require('sodium-native') as Sodium;
  } catch {
    return null;
  }
}
