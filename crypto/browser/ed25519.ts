import { ed25519 } from '@noble/curves/ed25519.js';
import { concatBytes, equalBytes } from '../bytes.js';
import type { Ed25519 } from '../ed25519.js';
import { bytesToNumberLE, ORDER } from '../edwards.js';
import { sha512 } from '../hash.js';

const { Point } = ed25519;

/**
 * ../ed25519.ts, where there is no Node. Not noble's own `verify`: that multiplies by the cofactor, and so takes
 * signatures that every node refuses.
 *
 * Cost: about 1.5 ms a check.
 */
export const nobleEd25519: Ed25519 = {
  verifier: (publicKey) => {
    const key = Point.fromBytes(publicKey, false);
    return (message, signature) => {
      const r = signature.subarray(0, 32);
      const s = bytesToNumberLE(signature.subarray(32));
      if (s >= ORDER) return false;
      const k = bytesToNumberLE(sha512(r, publicKey, message)) % ORDER;
      const expected = Point.BASE.multiplyUnsafe(s).subtract(key.multiplyUnsafe(k));
      // The bytes of R are compared, so no other form of it passes.
      return !expected.isSmallOrder() && equalBytes(expected.toBytes(), r);
    };
  },
  signer: (seed) => {
    const publicKey = ed25519.getPublicKey(concatBytes(seed));
    return { publicKey, sign: (message) => ed25519.sign(message, seed) };
  },
};

export const ed25519Of: Ed25519 = nobleEd25519;
