import * as dagCbor from '@ipld/dag-cbor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  anyNode,
  bytesBetween,
  DecodeError,
  decode,
  encode,
  list,
  nullable,
  oneOf,
  record,
  struct,
  text,
  tryDecode,
  u64,
  uint,
} from '../../chain/index.js';

const MAX = 1_000_000;

const string = (): fc.Arbitrary<string> => fc.string({ unit: 'binary', maxLength: 12 });
const bytes = (): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ maxLength: 40 }).map((value) => new Uint8Array(value));

/** Any value of the IPLD data model without links; -0 has no form of its own. */
const node = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.maxSafeInteger(),
      fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value)),
      string(),
      bytes(),
    ),
    fc.array(tie('any'), { maxLength: 5 }),
    fc.dictionary(string(), tie('any'), { maxKeys: 5, noNullPrototype: true }),
  ),
})).any;

describe('the codec', () => {
  it('takes back every value of the data model, in one form', () => {
    fc.assert(
      fc.property(node, (value) => {
        const raw = encode(anyNode, value);
        const decoded = decode(anyNode, raw, MAX);
        expect(decoded).toEqual(value);
        expect(encode(anyNode, decoded)).toEqual(raw);
      }),
    );
  });

  it('answers any bytes with a value whose form they are, or a DecodeError', () => {
    const like = fc
      .tuple(node, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 3 }))
      .map(([value, at, by]) => {
        const raw = encode(anyNode, value);
        raw.set(by.slice(0, Math.max(0, raw.length - (at % raw.length))), at % raw.length);
        return raw;
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), like), (raw) => {
        const result = tryDecode(anyNode, raw, MAX);
        if (result.ok) expect(Buffer.from(encode(anyNode, result.value)).equals(raw)).toBe(true);
        else expect(result.error).toBeInstanceOf(DecodeError);
      }),
      { numRuns: 2000 },
    );
  });

  it('answers so, too, for small changes of plain values', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'C', '9'), maxLength: 3 });
    const plain = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 3 },
        fc.oneof(fc.constant(null), fc.boolean(), fc.maxSafeInteger(), fc.integer({ max: 300 }), letters),
        fc.array(tie('any'), { maxLength: 3 }),
        fc.dictionary(letters, tie('any'), { minKeys: 1, maxKeys: 4, noNullPrototype: true }),
      ),
    })).any;
    const changed = fc.tuple(plain, fc.nat(), fc.nat(), fc.nat(255)).map(([value, at, other, by]) => {
      const raw = encode(anyNode, value);
      const [i, j] = [at % raw.length, other % raw.length];
      if (by < 128) [raw[i], raw[j]] = [raw[j]!, raw[i]!];
      else raw[i] = by;
      return raw;
    });
    fc.assert(
      fc.property(changed, (raw) => {
        const result = tryDecode(anyNode, raw, MAX);
        if (result.ok) expect(Buffer.from(encode(anyNode, result.value)).equals(raw)).toBe(true);
      }),
      { numRuns: 10_000 },
    );
  });

  it('writes and takes what the reference implementation of DAG-CBOR does', () => {
    // What the reference cannot do: it drops a byte order mark, and takes maps with the key "/" for links.
    const isCommon = (value: unknown): boolean => !/\ufeff|"\/"/.test(printed(value));
    fc.assert(
      fc.property(node.filter(isCommon), fc.nat(), fc.nat(255), (value, at, by) => {
        const raw = encode(anyNode, value);
        expect(Buffer.from(dagCbor.encode(value)).equals(raw)).toBe(true);
        expect(dagCbor.decode(raw)).toEqual(value);
        raw[at % raw.length] = by;
        const ours = tryDecode(anyNode, raw, MAX);
        const theirs = canonicalByReference(raw);
        if (theirs === null || isCommon(theirs.value)) expect(ours.ok).toBe(theirs !== null);
      }),
      { numRuns: 2_000 },
    );
  });

  it('refuses every true prefix and every extension of a value', () => {
    fc.assert(
      fc.property(node, fc.nat(), fc.nat(255), (value, cut, more) => {
        const raw = encode(anyNode, value);
        expect(tryDecode(anyNode, raw.subarray(0, cut % raw.length), MAX).ok).toBe(false);
        expect(tryDecode(anyNode, Uint8Array.of(...raw, more), MAX).ok).toBe(false);
      }),
    );
  });

  it('keeps a message with every kind of field', () => {
    const codec = struct({
      count: uint,
      big: u64,
      name: text(100),
      kind: oneOf('soft', 'cert', 'next'),
      value: nullable(bytesBetween(0, 40)),
      points: list(record({ x: uint, label: text(100) }), 8),
    });
    const value = fc.record({
      count: fc.maxSafeNat(),
      big: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      name: string(),
      kind: fc.constantFrom('soft' as const, 'cert' as const, 'next' as const),
      value: fc.option(bytes()),
      points: fc.array(fc.record({ x: fc.maxSafeNat(), label: string() }), { maxLength: 8 }),
    });
    fc.assert(
      fc.property(value, (message) => {
        expect(decode(codec, encode(codec, message), MAX)).toEqual(message);
      }),
    );
  });
});

function printed(value: unknown): string {
  return JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? String(inner) : inner)) ?? '';
}

/** What the reference reads from bytes that it would write alike; null: anything else. */
function canonicalByReference(raw: Uint8Array): { readonly value: unknown } | null {
  try {
    const value = dagCbor.decode(raw);
    return Buffer.from(dagCbor.encode(value)).equals(raw) ? { value } : null;
  } catch {
    return null;
  }
}
