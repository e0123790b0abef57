import { ed25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as browserBytes from '../../../crypto/browser/bytes.js';
import { nobleEd25519 } from '../../../crypto/browser/ed25519.js';
import * as browserHash from '../../../crypto/browser/hash.js';
import * as bytes from '../../../crypto/bytes.js';
import { opensslEd25519 } from '../../../crypto/ed25519.js';
import { bytesToNumberLE, numberToBytesLE } from '../../../crypto/edwards.js';
import * as hash from '../../../crypto/hash.js';
import { isPublicKey, sign, verifySignature } from '../../../crypto/index.js';

const { Point } = ed25519;
type Point = InstanceType<typeof Point>;
const q = Point.Fn.ORDER;
const { concatBytes, utf8ToBytes } = bytes;
const any = fc.uint8Array({ maxLength: 200 });

describe('what stands in a browser for bytes and hashes', () => {
  it('has the same names', () => {
    expect(Object.keys(browserBytes).sort()).toEqual(Object.keys(bytes).sort());
    expect(Object.keys(browserHash).sort()).toEqual(Object.keys(hash).sort());
  });

  it('gives the same answers', () => {
    fc.assert(
      fc.property(any, any, fc.string({ unit: 'binary' }), (a, b, text) => {
        expect(browserHash.sha256(a, b)).toEqual(hash.sha256(a, b));
        expect(browserHash.sha512(a, b)).toEqual(hash.sha512(a, b));
        const [left, right] = [hash.sha256Text(a), hash.sha256Text(text)];
        expect([browserHash.sha256Text(a), browserHash.sha256Text(text)]).toEqual([left, right]);
        expect(browserHash.sha256Pair(1, left, right)).toBe(hash.sha256Pair(1, left, right));
        expect(browserHash.sha256Behind(0, a)).toBe(hash.sha256Behind(0, a));
        expect(browserHash.digestBytes(left)).toEqual(hash.digestBytes(left));
        expect(browserHash.digestText(hash.sha256(b))).toBe(hash.digestText(hash.sha256(b)));
        expect(browserBytes.bytesToHex(a)).toBe(bytes.bytesToHex(a));
        expect(browserBytes.hexToBytes(bytes.bytesToHex(a))).toEqual(bytes.hexToBytes(bytes.bytesToHex(a)));
        expect(browserBytes.bytesToBase64(a)).toBe(bytes.bytesToBase64(a));
        const base64 = bytes.bytesToBase64(a);
        for (const given of [base64, `${base64.slice(0, -1)}B`, base64.slice(1), `${base64}=`, text])
          expect(browserBytes.base64ToBytes(given)).toEqual(bytes.base64ToBytes(given));
        expect(browserBytes.equalBytes(a, b)).toBe(bytes.equalBytes(a, b));
        expect(browserBytes.equalBytes(a, a.slice())).toBe(true);
        expect(browserBytes.compareBytes(a, b)).toBe(bytes.compareBytes(a, b));
        expect(browserBytes.compareBytes(a, concatBytes(a, b))).toBe(
          bytes.compareBytes(a, concatBytes(a, b)),
        );
        expect(browserBytes.concatBytes(a, b)).toEqual(concatBytes(a, b));
        expect(browserBytes.utf8ToBytes(text)).toEqual(utf8ToBytes(text));
        const utf8 = utf8ToBytes(text);
        expect(browserBytes.bytesToUtf8(utf8)).toBe(bytes.bytesToUtf8(utf8));
        expect(browserBytes.isHex(text, 1)).toBe(bytes.isHex(text, 1));
      }),
    );
    for (const wrong of ['0', 'AB', 'zz', ' 00']) {
      expect(() => browserBytes.hexToBytes(wrong)).toThrow(TypeError);
      expect(() => bytes.hexToBytes(wrong)).toThrow(TypeError);
    }
    expect(() => browserBytes.bytesToUtf8(Uint8Array.of(0xff))).toThrow(TypeError);
  });
});

/** The whole rule with one library: `keys.ts` asks about the key first. */
const rules = {
  'the node’s own': verifySignature,
  OpenSSL: (key: Uint8Array, message: Uint8Array, signature: Uint8Array) =>
    isPublicKey(key) && opensslEd25519.verifier(key)(message, signature),
  noble: (key: Uint8Array, message: Uint8Array, signature: Uint8Array) =>
    isPublicKey(key) && nobleEd25519.verifier(key)(message, signature),
};

/** What each library says; they must agree. */
function verdict(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const said = Object.values(rules).map((rule) => rule(key, message, signature));
  expect(said).toEqual([said[0], said[0], said[0]]);
  return said[0]!;
}

const seed = hash.sha256(utf8ToBytes('a seed'));
const { scalar: a, point: A, pointBytes: keyBytes } = ed25519.utils.getExtendedPublicKey(seed);
/** A point of order 8, and its multiples: all eight of small order. */
const torsion: readonly Point[] = (() => {
  for (let i = 0; ; i += 1) {
    const bytesOf = hash.sha256(Uint8Array.of(i));
    try {
      // q · P leaves what P has beside the subgroup of prime order.
      const rest = Point.fromBytes(bytesOf, false)
        .multiplyUnsafe(q - 1n)
        .add(Point.fromBytes(bytesOf, false));
      if (rest.multiplyUnsafe(4n).is0()) continue;
      return Array.from({ length: 8 }, (_, times) => rest.multiplyUnsafe(BigInt(times)));
    } catch {
      // no point of the curve
    }
  }
})();
const challenge = (r: Uint8Array, key: Uint8Array, message: Uint8Array): bigint =>
  bytesToNumberLE(hash.sha512(r, key, message)) % q;
const messages = Array.from({ length: 256 }, (_, i) => utf8ToBytes(`message ${i}`));
const signatureOf = (r: Uint8Array, s: bigint) => concatBytes(r, numberToBytesLE(s, 32));
const P = 2n ** 255n - 19n;

describe('signatures by noble', () => {
  it('agree with the node’s on honest ones and on altered ones', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        any,
        fc.nat(511),
        (secret, message, bit) => {
          const { publicKey, sign: signNoble } = nobleEd25519.signer(secret);
          const signature = signNoble(message);
          expect(signature).toEqual(sign(secret, message));
          expect(verdict(publicKey, message, signature)).toBe(true);
          const altered = signature.slice();
          altered[bit >> 3]! ^= 1 << (bit & 7);
          expect(verdict(publicKey, message, altered)).toBe(false);
          expect(verdict(publicKey, concatBytes(message, message, Uint8Array.of(1)), signature)).toBe(false);
        },
      ),
      { numRuns: 8 },
    );
  });

  it('refuse keys of small order, and keys in another form than the one', () => {
    expect(torsion.length).toBe(8);
    for (const key of torsion) {
      // Under such a key R = identity, s = 0 fits every message whose challenge is a multiple of 8.
      const r = Point.ZERO.toBytes();
      for (const message of messages.slice(0, 16))
        expect(verdict(key.toBytes(), message, signatureOf(r, 0n))).toBe(false);
    }
    // y + p where that fits into 255 bits, and a sign where x is zero.
    for (let y = 0n; y < 19n; y += 1n)
      for (const top of [0n, 1n << 255n]) {
        const key = numberToBytesLE(y + P + top, 32);
        expect(verdict(key, messages[0]!, signatureOf(key, 1n))).toBe(false);
      }
    const minusZero = numberToBytesLE(1n + (1n << 255n), 32);
    expect(verdict(minusZero, messages[0]!, signatureOf(Point.ZERO.toBytes(), 0n))).toBe(false);
  });

  it('refuse an R of small order, though the equation holds', () => {
    let found = 0;
    for (const message of messages) {
      for (const t of torsion.slice(1)) {
        const key = A.add(t).toBytes();
        for (const small of torsion) {
          const r = small.toBytes();
          const k = challenge(r, key, message);
          // s B − k (A + T) = −k T
          if (!small.equals(t.multiplyUnsafe(k % 8n).negate())) continue;
          found += 1;
          expect(verdict(key, message, signatureOf(r, (k * a) % q))).toBe(false);
        }
      }
      if (found > 8) break;
    }
    expect(found).toBeGreaterThan(8);
  });

  it('do not multiply by the cofactor: a key of mixed order counts where the equation itself holds', () => {
    const counts = { true: 0, false: 0 };
    const nonce = 12_345n;
    const r = Point.BASE.multiply(nonce).toBytes();
    const key = A.add(torsion[1]!).toBytes();
    for (const message of messages.slice(0, 64)) {
      const k = challenge(r, key, message);
      const signature = signatureOf(r, (nonce + k * a) % q);
      expect(verdict(key, message, signature)).toBe(k % 8n === 0n);
      counts[`${k % 8n === 0n}`] += 1;
      // Noble's own check would take them all.
      expect(ed25519.verify(signature, message, key, { zip215: true })).toBe(true);
    }
    expect(Math.min(counts.true, counts.false)).toBeGreaterThan(0);
  });

  it('refuse s from q on, and R in another form', () => {
    const message = messages[0]!;
    const signature = sign(seed, message);
    const s = bytesToNumberLE(signature.subarray(32));
    const r = signature.subarray(0, 32);
    expect(verdict(keyBytes, message, signature)).toBe(true);
    for (let times = 1n; s + times * q < 1n << 256n; times += 1n)
      expect(verdict(keyBytes, message, signatureOf(r, s + times * q))).toBe(false);
    // R = y + p: made so that the equation holds for the point that it would decode to.
    const nonCanonical = [...Array(19).keys()].map((y) => numberToBytesLE(BigInt(y) + P, 32));
    for (const form of nonCanonical)
      for (const sign8 of [0, 0x80]) {
        const altered = form.slice();
        altered[31]! |= sign8;
        const k = challenge(altered, keyBytes, message);
        expect(verdict(keyBytes, message, signatureOf(altered, (k * a) % q))).toBe(false);
      }
    const alsoSigned = r.slice();
    alsoSigned[31]! ^= 0x80;
    expect(verdict(keyBytes, message, signatureOf(alsoSigned, s))).toBe(false);
  });
});
