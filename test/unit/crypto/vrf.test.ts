import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { describe, expect, it } from 'vitest';
import { Irregular, nobleEdwards, sodiumEdwards } from '../../../crypto/edwards.js';
import {
  bytesToHex,
  concatBytes,
  drbg,
  hexToBytes,
  utf8ToBytes,
  vrfProofToHash,
  vrfProve,
  vrfPublicKeyOf,
  vrfVerify,
} from '../../../crypto/index.js';
import { sodium } from '../../../crypto/sodium.js';
import { ell2, proveOn, tai, verifyOn } from '../../../crypto/vrf.js';
import ell2File from '../../vectors/ecvrf-edwards25519-sha512-ell2.json' with { type: 'json' };
import file from '../../vectors/ecvrf-edwards25519-sha512-tai.json' with { type: 'json' };

const { vectors } = file;
const first = vectors[0]!;
const publicKey = hexToBytes(first.publicKey);
const alpha = hexToBytes(first.alpha);
const proof = hexToBytes(first.proof);

function littleEndian(value: bigint, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

describe('ECVRF-EDWARDS25519-SHA512-TAI', () => {
  it.each(vectors)('reproduces RFC 9381, example $example', (vector) => {
    const [secret, key, input] = [vector.secret, vector.publicKey, vector.alpha].map(hexToBytes);
    expect(bytesToHex(vrfPublicKeyOf(secret!))).toBe(vector.publicKey);
    const made = vrfProve(secret!, input!);
    expect(bytesToHex(made)).toBe(vector.proof);
    expect(bytesToHex(vrfProofToHash(made)!)).toBe(vector.hash);
    expect(bytesToHex(vrfVerify(key!, input!, made)!)).toBe(vector.hash);
  });

  it('verifies what it proves, for that key and input only', () => {
    const random = drbg(utf8ToBytes('vrf'));
    for (let i = 0; i < 5; i++) {
      const [secret, input] = [random(32), random(40)];
      const made = vrfProve(secret, input);
      const hash = vrfVerify(vrfPublicKeyOf(secret), input, made);
      expect(hash && bytesToHex(hash)).toBe(bytesToHex(vrfProofToHash(made)!));
      expect(vrfVerify(vrfPublicKeyOf(random(32)), input, made)).toBeNull();
      expect(vrfVerify(vrfPublicKeyOf(secret), random(40), made)).toBeNull();
    }
  });

  it('refuses a change in any field of the proof', () => {
    for (const index of [0, 31, 32, 47, 48, 78, 79]) {
      const changed = new Uint8Array(proof);
      changed[index]! ^= 1;
      expect(vrfVerify(publicKey, alpha, changed)).toBeNull();
    }
  });

  it('refuses wrong lengths without throwing', () => {
    for (const length of [0, 79, 81]) {
      expect(vrfVerify(publicKey, alpha, new Uint8Array(length))).toBeNull();
      expect(vrfProofToHash(new Uint8Array(length))).toBeNull();
    }
    expect(vrfVerify(publicKey.subarray(1), alpha, proof)).toBeNull();
  });

  it('refuses s >= q', () => {
    let s = 0n;
    for (let i = 79; i >= 48; i--) s = (s << 8n) | BigInt(proof[i]!);
    const shifted = concatBytes(proof.subarray(0, 48), littleEndian(s + ed25519.Point.Fn.ORDER, 32));
    expect(vrfVerify(publicKey, alpha, shifted)).toBeNull();
    expect(vrfProofToHash(shifted)).toBeNull();
  });

  it('refuses a gamma that is not canonical', () => {
    // y = p + 1 is the identity written a second way.
    const gamma = littleEndian(ed25519.Point.Fp.ORDER + 1n, 32);
    expect(vrfProofToHash(concatBytes(gamma, proof.subarray(32)))).toBeNull();
  });

  it('refuses keys of small order, for which a proof can be made up', () => {
    const { Point } = ed25519;
    const suite = (...bytes: number[]) => Uint8Array.of(3, ...bytes);
    for (const encoded of ED25519_TORSION_SUBGROUP) {
      const key = hexToBytes(encoded);
      expect(vrfVerify(key, alpha, proof)).toBeNull();
    }
    // With the identity as the key, gamma = identity and s = k satisfies both equations whatever c is.
    const identity = hexToBytes(ED25519_TORSION_SUBGROUP[0]!);
    const h = tryAndIncrement(identity, alpha);
    const k = 7n;
    const points = [
      identity,
      h.toBytes(),
      identity,
      Point.BASE.multiply(k).toBytes(),
      h.multiply(k).toBytes(),
    ];
    const c = sha512(concatBytes(suite(2), ...points, Uint8Array.of(0))).slice(0, 16);
    const forged = concatBytes(identity, c, littleEndian(k, 32));
    expect(vrfProofToHash(forged)).not.toBeNull();
    expect(vrfVerify(identity, alpha, forged)).toBeNull();
  });
});

describe.skipIf(sodium === null)('libsodium’s curve and noble’s', () => {
  const fast = sodiumEdwards(sodium!);

  it('make the same proofs, and agree on them and on altered ones', () => {
    const random = drbg(utf8ToBytes('vrf, both'));
    for (let i = 0; i < 10; i++) {
      const [secret, input] = [random(32), random(40)];
      const key = vrfPublicKeyOf(secret);
      const made = proveOn(fast, tai, secret, input);
      expect(bytesToHex(made)).toBe(bytesToHex(proveOn(nobleEdwards, tai, secret, input)));
      expect(verifyOn(fast, tai, key, input, made)).toEqual(verifyOn(nobleEdwards, tai, key, input, made));
      const altered = Uint8Array.from(made, (byte, at) => (at === 40 + i ? byte ^ 4 : byte));
      expect(verifyOn(fast, tai, key, input, altered)).toBeNull();
    }
  });

  it('take the same bytes for points', () => {
    const random = drbg(utf8ToBytes('points'));
    const p = ed25519.Point.Fp.ORDER;
    const edges = [0n, 1n, 2n, 3n, p - 1n, p, p + 1n, p + 3n].flatMap((y) =>
      [0n, 1n].map((sign) => littleEndian(y + (sign << 255n), 32)),
    );
    for (const bytes of [
      ...edges,
      ...ED25519_TORSION_SUBGROUP.map(hexToBytes),
      ...Array.from({ length: 200 }, () => random(32)),
    ]) {
      const slow = nobleEdwards.decode(bytes);
      expect(fast.decode(bytes)).toEqual(slow === null ? null : slow.toBytes());
    }
  });

  it('a proof whose gamma has a part of small order goes to noble, which follows the RFC', () => {
    const { Point } = ed25519;
    const torsion = Point.fromHex(ED25519_TORSION_SUBGROUP[1]!);
    const gamma = Point.fromBytes(proof.slice(0, 32)).add(torsion);
    const bent = concatBytes(gamma.toBytes(), proof.subarray(32));
    expect(() => verifyOn(fast, tai, publicKey, alpha, bent)).toThrow(Irregular);
    expect(verifyOn(nobleEdwards, tai, publicKey, alpha, bent)).toBeNull();
    expect(vrfVerify(publicKey, alpha, bent)).toBeNull();
    expect(vrfProofToHash(bent)).toEqual(vrfProofToHash(proof));
  });
});

function tryAndIncrement(key: Uint8Array, input: Uint8Array) {
  for (let counter = 0; ; counter++) {
    const digest = sha512(concatBytes(Uint8Array.of(3, 1), key, input, Uint8Array.of(counter, 0)));
    try {
      return ed25519.Point.fromBytes(digest.slice(0, 32), false).clearCofactor();
    } catch {}
  }
}

describe('ECVRF-EDWARDS25519-SHA512-ELL2', () => {
  it.each(ell2File.vectors)('reproduces RFC 9381, example $example', (vector) => {
    const [secret, key, input] = [vector.secret, vector.publicKey, vector.alpha].map(hexToBytes);
    const made = proveOn(nobleEdwards, ell2, secret!, input!);
    expect(bytesToHex(made)).toBe(vector.proof);
    expect(bytesToHex(verifyOn(nobleEdwards, ell2, key!, input!, made)!)).toBe(vector.hash);
    expect(verifyOn(nobleEdwards, tai, key!, input!, made)).toBeNull();
  });

  it.skipIf(sodium === null)('is the same on libsodium', () => {
    const fast = sodiumEdwards(sodium!);
    const { secret, publicKey: key, alpha: input, proof: expected, hash } = ell2File.vectors[1]!;
    const made = proveOn(fast, ell2, hexToBytes(secret), hexToBytes(input));
    expect(bytesToHex(made)).toBe(expected);
    expect(bytesToHex(verifyOn(fast, ell2, hexToBytes(key), hexToBytes(input), made)!)).toBe(hash);
  });
});
