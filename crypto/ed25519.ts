import { createPrivateKey, createPublicKey, sign as opensslSign, verify as opensslVerify } from 'node:crypto';
import { concatBytes, hexToBytes } from './bytes.js';
import { bytesToNumberLE, hasSmallOrder, numberToBytesLE, ORDER } from './edwards.js';
import { sha512 } from './hash.js';
import { withKnownKeys } from './knownKeys.js';
import { type Sodium, sodium } from './sodium.js';

/** Ed25519 over keys that are prepared once: parsing one costs about as much as using it. */
export interface Ed25519 {
  /** `publicKey`: 32 bytes, canonical, not of small order. */
  verifier(publicKey: Uint8Array): (message: Uint8Array, signature: Uint8Array) => boolean;
  /** `seed`: 32 bytes. */
  signer(seed: Uint8Array): Signer;
}

export interface Signer {
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

// RFC 8410: the fixed DER bytes in front of a raw key.
const PKCS8_PREFIX = hexToBytes('302e020100300506032b657004220420');
const SPKI_PREFIX = hexToBytes('302a300506032b6570032100');

/** Node's own. Whether OpenSSL takes an R of small order depends on its version (3.0 does, 3.5 does not): asked first. */
export const opensslEd25519: Ed25519 = {
  verifier: (publicKey) => {
    const spki = Buffer.from(concatBytes(SPKI_PREFIX, publicKey));
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    return (message, signature) => !hasSmallOrder(signature) && opensslVerify(null, message, key, signature);
  },
  signer: (seed) => {
    const pkcs8 = Buffer.from(concatBytes(PKCS8_PREFIX, seed));
    const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
    return {
      publicKey: new Uint8Array(spki.subarray(SPKI_PREFIX.length)),
      sign: (message) => new Uint8Array(opensslSign(null, message, key)),
    };
  },
};

/** libsodium's, in about half of OpenSSL's time. */
export function sodiumEd25519(library: Sodium): Ed25519 {
  return {
    verifier: (publicKey) => (message, signature) =>
      library.crypto_sign_verify_detached(signature, message, publicKey),
    signer: (seed) => {
      const [publicKey, secretKey] = [new Uint8Array(32), new Uint8Array(64)];
      library.crypto_sign_seed_keypair(publicKey, secretKey, seed);
      return {
        publicKey,
        sign: (message) => {
          const signature = new Uint8Array(64);
          library.crypto_sign_detached(signature, message, secretKey);
          return signature;
        },
      };
    },
  };
}

export const ed25519Of: Ed25519 =
  sodium === null
    ? withKnownKeys(opensslEd25519, { challengeOf })
    : withKnownKeys(sodiumEd25519(sodium), { challengeOf: sodiumChallengeOf(sodium) });

function challengeOf(...parts: readonly Uint8Array[]): Uint8Array {
  return numberToBytesLE(bytesToNumberLE(sha512(...parts)) % ORDER, 32);
}

/** In a quarter of the time. */
function sodiumChallengeOf(library: Sodium): typeof challengeOf {
  const digest = new Uint8Array(64);
  return (...parts) => {
    const scalar = new Uint8Array(32);
    library.crypto_hash_sha512(digest, concatBytes(...parts));
    library.crypto_core_ed25519_scalar_reduce(scalar, digest);
    return scalar;
  };
}
