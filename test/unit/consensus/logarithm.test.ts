import { describe, expect, it } from 'vitest';
import { bitsBelowOne, roughBitsBelowOne } from '../../../consensus/logarithm.js';
import { sha256, utf8ToBytes } from '../../../crypto/index.js';

const UNIT = 2n ** 64n;
const hashOf = (number: bigint) => Buffer.from(number.toString(16).padStart(64, '0'), 'hex');

describe('bitsBelowOne', () => {
  it('is exact at powers of two', () => {
    expect(bitsBelowOne(hashOf(2n ** 256n - 1n))).toBe(0n);
    expect(bitsBelowOne(hashOf(0n))).toBe(256n * UNIT);
    for (let bits = 0n; bits <= 256n; bits++) {
      expect(bitsBelowOne(hashOf(2n ** bits - 1n))).toBe((256n - bits) * UNIT);
    }
  });

  it('adds up over products, to 2^-58: log(a) + log(b) = log(ab)', () => {
    for (let i = 0; i < 500; i++) {
      const half = (name: string) =>
        BigInt(`0x${Buffer.from(sha256(utf8ToBytes(name))).toString('hex')}`) >> 128n;
      const [a, b] = [half(`a ${i}`) + 1n, half(`b ${i}`) + 1n];
      const apart = bitsBelowOne(hashOf(a - 1n)) + bitsBelowOne(hashOf(b - 1n));
      const together = bitsBelowOne(hashOf(a * b - 1n)) + 256n * UNIT;
      const difference = apart - together;
      expect(difference > -64n && difference < 64n, `${i}: ${difference}`).toBe(true);
    }
  });

  it('agrees with the floating-point logarithm', () => {
    for (let i = 0; i < 500; i++) {
      const hash = sha256(utf8ToBytes(`float ${i}`));
      const share = Number(BigInt(`0x${Buffer.from(hash).toString('hex')}`)) / 2 ** 256;
      expect(Math.abs(Number(bitsBelowOne(hash)) / 2 ** 64 + Math.log2(share))).toBeLessThan(1e-12);
    }
  });

  it('takes nothing but a hash', () => {
    expect(() => bitsBelowOne(new Uint8Array(31))).toThrow();
  });
});

describe('roughBitsBelowOne', () => {
  const apart = (hash: Uint8Array) =>
    Math.abs(Number(bitsBelowOne(hash)) / 2 ** 64 - roughBitsBelowOne(hash));

  it('is wrong by less than 2^-22', () => {
    for (let i = 0; i < 2_000; i++) expect(apart(sha256(utf8ToBytes(`rough ${i}`)))).toBeLessThan(2 ** -22);
  });

  it('holds around powers of two, and says nothing of numbers below 2^64', () => {
    for (let bits = 64n; bits <= 256n; bits++) {
      for (const number of [2n ** bits - 2n, 2n ** bits - 1n, 2n ** bits, 2n ** bits + 2n ** (bits - 30n)]) {
        if (number < 2n ** 64n || number >= 2n ** 256n) continue;
        expect(apart(hashOf(number)), `${number}`).toBeLessThan(2 ** -22);
      }
    }
    for (const number of [0n, 1n, 2n ** 64n - 1n]) expect(roughBitsBelowOne(hashOf(number))).toBeNaN();
  });
});
