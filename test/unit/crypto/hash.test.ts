import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  digestBytes,
  digestText,
  drbg,
  sha256,
  sha256Behind,
  sha256Pair,
  sha256Text,
  sha512,
  utf8ToBytes,
} from '../../../crypto/index.js';

const other = (algorithm: string, ...parts: Uint8Array[]): Uint8Array =>
  new Uint8Array(parts.reduce((state, part) => state.update(part), createHash(algorithm)).digest());
const random = drbg(sha256(utf8ToBytes('hash test')));

describe('hashes', () => {
  it('of parts are those of the parts joined, whatever their lengths', () => {
    for (const lengths of [
      [],
      [0],
      [3],
      [0, 0],
      [1, 2, 3],
      [32, 32],
      [55],
      [64],
      [1_000, 24],
      [1_000, 25],
      [5_000, 1],
    ]) {
      const parts = lengths.map((length) => random(length));
      expect(sha256(...parts)).toEqual(other('sha256', ...parts));
      expect(sha512(...parts)).toEqual(other('sha512', ...parts));
    }
  });

  it('answer with bytes of their own', () => {
    const first = sha256(utf8ToBytes('a'));
    const kept = [...first];
    sha256(utf8ToBytes('b'));
    expect([...first]).toEqual(kept);
    expect(first.buffer.byteLength).toBe(32);
  });
});

describe('digest texts', () => {
  it('are the bytes, one character each, and go there and back', () => {
    const every = Uint8Array.from({ length: 256 }, (_, i) => i);
    for (let at = 0; at < 256; at += 32) {
      const bytes = every.subarray(at, at + 32);
      const text = digestText(bytes);
      expect([...text].map((character) => character.charCodeAt(0))).toEqual([...bytes]);
      expect(digestBytes(text)).toEqual(new Uint8Array(bytes));
    }
  });

  it('are the hash of one byte and what follows, short or long', () => {
    for (const length of [0, 1, 300, 1_022, 1_023, 1_024, 65_536]) {
      const input = random(length);
      const expected = other('sha256', Uint8Array.of(7), input);
      expect(digestBytes(sha256Behind(7, input))).toEqual(expected);
    }
  });

  it('are the hash of bytes, or of a text in UTF-8', () => {
    for (const text of ['', 'abc', 'Zürich', '😀 \u0000', 'x'.repeat(10_000)]) {
      const expected = other('sha256', utf8ToBytes(text));
      expect(digestBytes(sha256Text(text))).toEqual(expected);
      expect(digestBytes(sha256Text(utf8ToBytes(text)))).toEqual(expected);
    }
    // As utf8ToBytes: what is no character is U+FFFD.
    expect(sha256Text('a\ud800')).toBe(sha256Text(utf8ToBytes('a\ud800')));
  });

  it('hash in pairs behind one byte', () => {
    for (let i = 0; i < 50; i += 1) {
      const [left, right] = [random(32), random(32)];
      const expected = other('sha256', Uint8Array.of(i), left, right);
      expect(digestBytes(sha256Pair(i, digestText(left), digestText(right)))).toEqual(expected);
    }
  });
});
