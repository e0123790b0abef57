import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js';
import { describe, expect, it } from 'vitest';
import { opensslEd25519, sodiumEd25519 } from '../../../crypto/ed25519.js';
import {
  bytesToHex,
  concatBytes,
  drbg,
  hexToBytes,
  isPublicKey,
  publicKeyOf,
  sha512,
  sign,
  utf8ToBytes,
  verifySignature,
} from '../../../crypto/index.js';
import { sodium } from '../../../crypto/sodium.js';
import file from '../../vectors/ed25519.json' with { type: 'json' };

const { vectors } = file;
const q = ed25519.Point.Fn.ORDER;

function numberOf(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

describe('ed25519', () => {
  it.each(vectors)(
    'gives RFC 8032’s signature of “$message”',
    ({ secret, publicKey, message, signature }) => {
      expect(bytesToHex(publicKeyOf(hexToBytes(secret)))).toBe(publicKey);
      expect(bytesToHex(sign(hexToBytes(secret), hexToBytes(message)))).toBe(signature);
      expect(verifySignature(hexToBytes(publicKey), hexToBytes(message), hexToBytes(signature))).toBe(true);
    },
  );

  it('signs and verifies as noble does', () => {
    const random = drbg(utf8ToBytes('keys'));
    for (let i = 0; i < 20; i++) {
      const [secret, message] = [random(32), random(i * 7)];
      const signature = sign(secret, message);
      expect(bytesToHex(signature)).toBe(bytesToHex(ed25519.sign(message, secret)));
      expect(verifySignature(ed25519.getPublicKey(secret), message, signature)).toBe(true);
    }
  });

  it('refuses every one-bit change', () => {
    const secret = drbg(utf8ToBytes('bits'))(32);
    const message = utf8ToBytes('vote');
    const publicKey = publicKeyOf(secret);
    const signature = sign(secret, message);
    const flip = (bytes: Uint8Array, bit: number) =>
      bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
    for (let bit = 0; bit < 512; bit += 3)
      expect(verifySignature(publicKey, message, flip(signature, bit))).toBe(false);
    for (let bit = 0; bit < 256; bit += 3)
      expect(verifySignature(flip(publicKey, bit), message, signature)).toBe(false);
    for (let bit = 0; bit < 32; bit++)
      expect(verifySignature(publicKey, flip(message, bit), signature)).toBe(false);
  });

  it('answers false to what is malformed, and never throws', () => {
    const secret = new Uint8Array(32);
    const signature = sign(secret, secret);
    for (const length of [0, 31, 33])
      expect(verifySignature(new Uint8Array(length), secret, signature)).toBe(false);
    for (const length of [0, 63, 65])
      expect(verifySignature(publicKeyOf(secret), secret, new Uint8Array(length))).toBe(false);
    expect(verifySignature(new Uint8Array(32).fill(0xff), secret, signature)).toBe(false);
  });

  it('refuses s + q, which would make signatures malleable', () => {
    const secret = drbg(utf8ToBytes('s'))(32);
    const message = utf8ToBytes('m');
    const signature = sign(secret, message);
    let s = 0n;
    for (let i = 63; i >= 32; i--) s = (s << 8n) | BigInt(signature[i]!);
    const shifted = concatBytes(signature.subarray(0, 32), littleEndian(s + q));
    expect(verifySignature(publicKeyOf(secret), message, shifted)).toBe(false);
  });

  it('refuses keys of small order, whose signatures fit any message', () => {
    // A = identity, R = identity, s = 0 satisfies the equation for every message.
    const identity = hexToBytes(ED25519_TORSION_SUBGROUP[0]!);
    const forged = concatBytes(identity, new Uint8Array(32));
    expect(verifySignature(identity, utf8ToBytes('anything'), forged)).toBe(false);
    for (const point of ED25519_TORSION_SUBGROUP) expect(isPublicKey(hexToBytes(point))).toBe(false);
    // Non-canonical: y = p + 3 decodes elsewhere as y = 3, which is on the curve.
    const y = littleEndian(3n);
    const yPlusP = littleEndian(ed25519.Point.Fp.ORDER + 3n);
    expect(isPublicKey(y)).toBe(true);
    expect(isPublicKey(yPlusP)).toBe(false);
  });

  const libraries = [
    { name: 'OpenSSL', library: opensslEd25519 },
    ...(sodium === null ? [] : [{ name: 'libsodium', library: sodiumEd25519(sodium) }]),
  ];

  it.each(libraries)('$name signs alike and refuses an R of small order', ({ library }) => {
    const { secret, publicKey, message, signature } = vectors[1]!;
    const signer = library.signer(hexToBytes(secret));
    expect(bytesToHex(signer.publicKey)).toBe(publicKey);
    expect(bytesToHex(signer.sign(hexToBytes(message)))).toBe(signature);
    const verify = library.verifier(hexToBytes(publicKey));
    expect(verify(hexToBytes(message), hexToBytes(signature))).toBe(true);
    const { scalar } = ed25519.utils.getExtendedPublicKey(hexToBytes(secret));
    for (const point of ED25519_TORSION_SUBGROUP) {
      // s = h·a: s·B equals h·A, and R + h·A too if R is the identity.
      const r = hexToBytes(point);
      const h = numberOf(sha512(concatBytes(r, hexToBytes(publicKey), hexToBytes(message))));
      const forged = concatBytes(r, littleEndian((h * scalar) % q));
      expect(verify(hexToBytes(message), forged)).toBe(false);
      if (point === ED25519_TORSION_SUBGROUP[0]) {
        // The equation holds: it is refused for its R alone. (OpenSSL's own answer depends on its version.)
        expect(ed25519.verify(forged, hexToBytes(message), hexToBytes(publicKey), { zip215: true })).toBe(
          true,
        );
      }
    }
  });

  it('does not hand out its cached public key', () => {
    const secret = drbg(utf8ToBytes('cache'))(32);
    const first = publicKeyOf(secret);
    const text = bytesToHex(first);
    first.fill(0);
    expect(bytesToHex(publicKeyOf(secret))).toBe(text);
  });
});
