import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bytesToHex,
  bytesToUtf8,
  compareBytes,
  concatBytes,
  drbg,
  equalBytes,
  hexToBytes,
  isHex,
  sha256,
  utf8ToBytes,
} from '../../../crypto/index.js';

const bytes = () => fc.uint8Array({ maxLength: 200 });

describe('hex', () => {
  it('goes there and back', () => {
    fc.assert(fc.property(bytes(), (value) => equalBytes(hexToBytes(bytesToHex(value)), value)));
    expect(bytesToHex(Uint8Array.of(0, 1, 0xab, 0xff))).toBe('0001abff');
  });

  it('reads a view of a larger buffer, not the buffer', () => {
    expect(bytesToHex(Uint8Array.of(1, 2, 3, 4).subarray(1, 3))).toBe('0203');
  });

  it.each(['0', 'abc', 'AB', 'zz', '0x12', ' 12', '12\n', 'é1'])('refuses %j', (text) => {
    expect(() => hexToBytes(text)).toThrow(TypeError);
  });

  it('isHex holds for lower-case hex of the right length only', () => {
    expect(isHex('00ff', 2)).toBe(true);
    for (const text of ['00f', '00ff00', '00FF', 'gggg', 12, null, undefined])
      expect(isHex(text, 2)).toBe(false);
  });
});

describe('bytes', () => {
  it('compares by unsigned byte, a prefix first', () => {
    const sorted = ['', '00', '00ff', '7f', '80', 'ff'].map(hexToBytes);
    expect([...sorted].reverse().sort(compareBytes)).toEqual(sorted);
    expect(equalBytes(hexToBytes('00'), hexToBytes('0000'))).toBe(false);
    expect(equalBytes(hexToBytes('01'), hexToBytes('02'))).toBe(false);
    expect(equalBytes(hexToBytes('01'), hexToBytes('01'))).toBe(true);
  });

  it('keeps text through UTF-8 and refuses what is none', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 20 }),
        (text) => bytesToUtf8(utf8ToBytes(text)) === text,
      ),
    );
    expect(bytesToUtf8(utf8ToBytes('\ufeffa'))).toBe('\ufeffa');
    expect(() => bytesToUtf8(Uint8Array.of(0xc3, 0x28))).toThrow(TypeError);
  });
});

describe('sha256', () => {
  it('gives FIPS 180-4’s example', () => {
    expect(bytesToHex(sha256(utf8ToBytes('abc')))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });

  it('hashes parts as if concatenated, as noble does', () => {
    fc.assert(
      fc.property(fc.array(bytes(), { maxLength: 5 }), (parts) => {
        const whole = concatBytes(...parts);
        return (
          equalBytes(sha256(...parts), nobleSha256(whole)) && equalBytes(sha256(whole), nobleSha256(whole))
        );
      }),
    );
  });
});

describe('drbg', () => {
  it('is one stream, however it is cut', () => {
    fc.assert(
      fc.property(bytes(), fc.array(fc.nat(100), { maxLength: 10 }), (seed, cuts) => {
        const stream = drbg(seed);
        const total = cuts.reduce((sum, cut) => sum + cut, 0);
        return equalBytes(concatBytes(...cuts.map((cut) => stream(cut))), drbg(seed)(total));
      }),
    );
  });

  it('depends on the seed, and not on what happens to it later', () => {
    const seed = Uint8Array.of(1, 2, 3);
    const stream = drbg(seed);
    seed.fill(9);
    expect(bytesToHex(stream(64))).toBe(bytesToHex(drbg(Uint8Array.of(1, 2, 3))(64)));
    expect(bytesToHex(drbg(seed)(64))).not.toBe(bytesToHex(drbg(Uint8Array.of(1, 2, 3))(64)));
  });

  it('is SHA-256 of tag, counter and seed, block by block', () => {
    const seed = utf8ToBytes('seed');
    const block = (i: number) =>
      nobleSha256(concatBytes(utf8ToBytes('consilium/drbg/1'), Uint8Array.of(0, 0, 0, 0, 0, 0, 0, i), seed));
    expect(bytesToHex(drbg(seed)(64))).toBe(bytesToHex(concatBytes(block(0), block(1))));
  });
});
