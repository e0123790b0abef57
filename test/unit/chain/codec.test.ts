import { describe, expect, it } from 'vitest';
import { formOf } from '../../../chain/codec.js';
import {
  anyNode,
  bool,
  bytes,
  bytesBetween,
  type Codec,
  DEPTH_MAX,
  DecodeError,
  decode,
  encode,
  integer,
  list,
  nullable,
  oneKindOf,
  oneOf,
  record,
  struct,
  tagged,
  text,
  tryDecode,
  u64,
  uint,
} from '../../../chain/index.js';
import { bytesToHex, hexToBytes } from '../../../crypto/index.js';

const MAX = 1_000_000;

function reasonOf(codec: Codec<unknown>, hex: string, bytesMax = MAX): string {
  const result = tryDecode(codec, hexToBytes(hex), bytesMax);
  return result.ok ? 'accepted' : result.error.reason;
}

describe('canonical bytes', () => {
  // RFC 8949, appendix A: the rows that are DAG-CBOR too.
  const rows: [string, unknown][] = [
    ['00', 0],
    ['01', 1],
    ['0a', 10],
    ['17', 23],
    ['1818', 24],
    ['1864', 100],
    ['1903e8', 1000],
    ['1a000f4240', 1_000_000],
    ['1b000000e8d4a51000', 1_000_000_000_000],
    ['1bffffffffffffffff', 18446744073709551615n],
    ['20', -1],
    ['3863', -100],
    ['3903e7', -1000],
    ['fb3ff199999999999a', 1.1],
    ['fb7e37e43c8800759c', 1.0e300],
    ['fbc010666666666666', -4.1],
    ['f4', false],
    ['f5', true],
    ['f6', null],
    ['40', new Uint8Array(0)],
    ['4401020304', Uint8Array.of(1, 2, 3, 4)],
    ['60', ''],
    ['6449455446', 'IETF'],
    ['62225c', '"\\'],
    ['62c3bc', 'ü'],
    ['63e6b0b4', '水'],
    ['64f0908591', '\u{10151}'],
    ['64efbbbf61', '\ufeffa'],
    ['80', []],
    ['83010203', [1, 2, 3]],
    ['8301820203820405', [1, [2, 3], [4, 5]]],
    ['a0', {}],
    ['a26161016162820203', { a: 1, b: [2, 3] }],
    ['826161a161626163', ['a', { b: 'c' }]],
    // Shorter keys first, then bytewise: RFC 7049's order, which DAG-CBOR keeps.
    ['a3616201626161026263630' + '3', { aa: 2, cc: 3, b: 1 }],
    ['a2612f0165627974657301', { '/': 1, bytes: 1 }],
    ['3b001fffffffffffff', -9007199254740992n],
    ['3b001ffffffffffffe', -9007199254740991],
    ['3bffffffffffffffff', -18446744073709551616n],
    ['1b001fffffffffffff', Number.MAX_SAFE_INTEGER],
    ['1b0020000000000000', 9007199254740992n],
  ];

  it.each(rows)('%s', (hex, value) => {
    expect(bytesToHex(encode(anyNode, value))).toBe(hex);
    expect(decode(anyNode, hexToBytes(hex), MAX)).toEqual(value);
  });

  it('do not depend on the order of fields', () => {
    expect(encode(anyNode, { b: 1, a: 2 })).toEqual(encode(anyNode, { a: 2, b: 1 }));
  });
});

describe('decode refuses', () => {
  const rows: [string, string, string][] = [
    ['nothing', '', 'not-cbor'],
    ['trailing bytes', '0000', 'not-cbor'],
    ['a second item', '8101' + '00', 'not-cbor'],
    ['0 in two bytes', '1800', 'not-cbor'],
    ['23 in two bytes', '1817', 'not-cbor'],
    ['255 in three bytes', '1900ff', 'not-cbor'],
    ['65535 in five bytes', '1a0000ffff', 'not-cbor'],
    ['2^32-1 in nine bytes', '1b00000000ffffffff', 'not-cbor'],
    ['-1 in two bytes', '3800', 'not-cbor'],
    ['a length in two bytes', '580100', 'not-cbor'],
    ['a text length in two bytes', '780161', 'not-cbor'],
    ['a list length in two bytes', '980100', 'not-cbor'],
    ['a map length in two bytes', 'b801616100', 'not-cbor'],
    ['float16 1.5', 'f93e00', 'not-canonical'],
    ['float32 1.5', 'fa3fc00000', 'not-canonical'],
    ['a float that is whole', 'fb3ff0000000000000', 'not-canonical'],
    ['-0', 'fb8000000000000000', 'not-canonical'],
    ['NaN (float16)', 'f97e00', 'not-canonical'],
    ['NaN', 'fb7ff8000000000000', 'not-canonical'],
    ['Infinity', 'fb7ff0000000000000', 'not-canonical'],
    ['-Infinity', 'fbfff0000000000000', 'not-canonical'],
    ['undefined', 'f7', 'not-canonical'],
    ['undefined in a list', '81f7', 'not-canonical'],
    ['a simple value', 'f0', 'not-cbor'],
    ['a simple value in two bytes', 'f8ff', 'not-cbor'],
    ['indefinite list', '9f01ff', 'not-cbor'],
    ['indefinite map', 'bf616101ff', 'not-cbor'],
    ['indefinite bytes', '5f4101ff', 'not-cbor'],
    ['indefinite text', '7f6161ff', 'not-cbor'],
    ['a lone break', 'ff', 'not-cbor'],
    ['reserved length 28', '1c', 'not-cbor'],
    ['unsorted keys', 'a2616201616102', 'not-canonical'],
    ['a longer key before a shorter', 'a262616101616202', 'not-canonical'],
    ['a key twice', 'a2616101616102', 'not-canonical'],
    ['a key that is no text', 'a10101', 'shape'],
    ['a link', 'd82a4101', 'shape'],
    ['a date tag', 'c11a514b67b0', 'shape'],
    ['text that is not UTF-8', '61ff', 'not-canonical'],
    ['a surrogate in UTF-8', '63eda080', 'not-canonical'],
    ['an overlong text', '62c0af', 'not-canonical'],
    ['cut short: integer', '19ff', 'not-cbor'],
    ['cut short: bytes', '4201', 'not-cbor'],
    ['cut short: list', '8201', 'not-cbor'],
    ['cut short: map', 'a16161', 'not-cbor'],
    ['a list longer than the input', '9affffffff', 'not-cbor'],
    ['a list of 2^64-1', '9bffffffffffffffff', 'not-cbor'],
    ['a map longer than the input', 'baffffffff', 'not-cbor'],
    ['bytes of 2^53', '5b0020000000000000', 'not-cbor'],
    ['bytes of 2^64-1', '5bffffffffffffffff00', 'not-cbor'],
    ['text longer than the input', '7affffffff61', 'not-cbor'],
  ];

  it.each(rows)('%s', (_, hex, reason) => {
    expect(reasonOf(anyNode, hex)).toBe(reason);
  });

  it('more than bytesMax bytes, before it looks at them', () => {
    expect(reasonOf(anyNode, '83010203', 3)).toBe('oversize');
    expect(reasonOf(anyNode, '83010203', 4)).toBe('accepted');
    expect(reasonOf(anyNode, 'ffffffff', 3)).toBe('oversize');
  });

  it(`nesting deeper than ${DEPTH_MAX}, lists and maps alike, however long`, () => {
    const lists = (depth: number): string => `${'81'.repeat(depth - 1)}80`;
    const maps = (depth: number): string => `${'a16161'.repeat(depth - 1)}a0`;
    for (const nested of [lists, maps]) {
      expect(reasonOf(anyNode, nested(DEPTH_MAX))).toBe('accepted');
      expect(reasonOf(anyNode, nested(DEPTH_MAX + 1))).toBe('oversize');
      expect(reasonOf(anyNode, nested(100_000))).toBe('oversize');
    }
    // Siblings do not add up.
    expect(reasonOf(anyNode, `8f${lists(DEPTH_MAX - 1).repeat(15)}`)).toBe('accepted');
  });

  it('a map with the key __proto__ is data like any other', () => {
    const decoded = decode(anyNode, hexToBytes('a1695f5f70726f746f5f5fa1616101'), MAX) as object;
    expect(Object.keys(decoded)).toEqual(['__proto__']);
    expect((decoded as { a?: unknown }).a).toBeUndefined();
    expect(encode(anyNode, decoded)).toEqual(hexToBytes('a1695f5f70726f746f5f5fa1616101'));
    expect(reasonOf(record({}), 'a1695f5f70726f746f5f5fa0')).toBe('shape');
  });
});

describe('codecs', () => {
  const point = struct({ x: uint, y: uint });
  const named = record({ x: uint, name: text(3) });
  const valid: [string, Codec<unknown>, unknown][] = [
    ['integer at its least', integer(-5, 5) as Codec<unknown>, -5],
    ['integer at its most', integer(-5, 5) as Codec<unknown>, 5],
    ['uint 0', uint as Codec<unknown>, 0],
    ['uint 2^53-1', uint as Codec<unknown>, Number.MAX_SAFE_INTEGER],
    ['u64 0', u64 as Codec<unknown>, 0n],
    ['u64 5', u64 as Codec<unknown>, 5n],
    ['u64 2^53-1', u64 as Codec<unknown>, 2n ** 53n - 1n],
    ['u64 2^53', u64 as Codec<unknown>, 2n ** 53n],
    ['u64 2^64-1', u64 as Codec<unknown>, 2n ** 64n - 1n],
    ['bytes', bytes(2) as Codec<unknown>, Uint8Array.of(1, 2)],
    ['no bytes', bytesBetween(0, 2) as Codec<unknown>, new Uint8Array(0)],
    ['text', text(4) as Codec<unknown>, 'é水'.slice(0, 1)],
    ['text with a zero', text(9) as Codec<unknown>, '\0'],
    ['word', oneOf('a', 'b') as Codec<unknown>, 'b'],
    ['null', nullable(bool) as Codec<unknown>, null],
    ['false', nullable(bool) as Codec<unknown>, false],
    ['list', list(uint, 3) as Codec<unknown>, [1, 2, 3]],
    ['empty list', list(uint, 0) as Codec<unknown>, []],
    ['struct', point as Codec<unknown>, { x: 1, y: 2 }],
    ['record', named as Codec<unknown>, { x: 1, name: 'abc' }],
  ];

  it.each(valid)('%s goes there and back', (_, codec, value) => {
    expect(decode(codec, encode(codec, value), MAX)).toEqual(value);
  });

  const invalid: [string, Codec<unknown>, string][] = [
    ['integer below', integer(-5, 5) as Codec<unknown>, '25'],
    ['integer above', integer(-5, 5) as Codec<unknown>, '06'],
    ['integer that is text', integer(-5, 5) as Codec<unknown>, '6131'],
    ['uint -1', uint as Codec<unknown>, '20'],
    ['uint 2^53', uint as Codec<unknown>, '1b0020000000000000'],
    ['u64 -1', u64 as Codec<unknown>, '20'],
    ['u64 -2^64', u64 as Codec<unknown>, '3bffffffffffffffff'],
    ['bool 0', bool as Codec<unknown>, '00'],
    ['bytes too short', bytes(2) as Codec<unknown>, '4100'],
    ['bytes too long', bytes(2) as Codec<unknown>, '43000000'],
    ['text for bytes', bytes(2) as Codec<unknown>, '626161'],
    ['list for bytes', bytes(2) as Codec<unknown>, '820000'],
    ['text longer than its bytes', text(2) as Codec<unknown>, '63e6b0b4'],
    ['bytes for text', text(2) as Codec<unknown>, '4161'],
    ['another word', oneOf('a', 'b') as Codec<unknown>, '6163'],
    ['a number for a word', oneOf('a', 'b') as Codec<unknown>, '00'],
    ['list too long', list(uint, 3) as Codec<unknown>, '8400000000'],
    ['map for a list', list(uint, 3) as Codec<unknown>, 'a0'],
    ['a wrong item', list(uint, 3) as Codec<unknown>, '820060'],
    ['struct with a field too few', point as Codec<unknown>, '8101'],
    ['struct with a field too many', point as Codec<unknown>, '83010203'],
    ['struct with null for a field', point as Codec<unknown>, '8201f6'],
    ['map for a struct', point as Codec<unknown>, 'a2617801617902'],
    ['record with an unknown field', named as Codec<unknown>, 'a3617801617902646e616d6560'],
    ['record with a missing field', named as Codec<unknown>, 'a1617801'],
    ['record with an inherited field', record({ toString: uint }) as Codec<unknown>, 'a0'],
    ['list for a record', named as Codec<unknown>, '820160'],
    ['null for a record', named as Codec<unknown>, 'f6'],
    ['bytes for a record', record({}) as Codec<unknown>, '40'],
  ];

  it.each(invalid)('%s is refused', (_, codec, hex) => {
    expect(reasonOf(codec, hex)).toBe('shape');
  });

  it('refuse a fraction where a whole number belongs', () => {
    for (const codec of [integer(-5, 5), u64]) {
      expect(reasonOf(codec as Codec<unknown>, 'fb3ff199999999999a')).toBe('not-canonical');
    }
  });

  it('read a record’s fields in one order of keys alone', () => {
    expect(reasonOf(named as Codec<unknown>, 'a2617801646e616d6560')).toBe('accepted');
    expect(reasonOf(named as Codec<unknown>, 'a2646e616d6560617801')).toBe('shape');
    expect(reasonOf(named as Codec<unknown>, 'a2617801617801')).toBe('not-canonical');
  });

  it('name the place in what they refuse', () => {
    const codec = record({ points: list(point, 9) });
    const result = tryDecode(
      codec,
      encode(anyNode, {
        points: [
          [1, 2],
          [3, 'x'],
        ],
      }),
      MAX,
    );
    expect(result.ok ? '' : result.error.path).toBe('$.points[1].y');
  });

  it('refuse to encode what could not be decoded', () => {
    const bad: [Codec<never>, unknown][] = [
      [uint as Codec<never>, -1],
      [uint as Codec<never>, -0],
      [uint as Codec<never>, 1.5],
      [uint as Codec<never>, Number.NaN],
      [uint as Codec<never>, 2 ** 53],
      [u64 as Codec<never>, -1n],
      [u64 as Codec<never>, 2n ** 64n],
      [bytes(2) as Codec<never>, new Uint8Array(3)],
      [text(2) as Codec<never>, 'abc'],
      [text(9) as Codec<never>, '\ud800'],
      [list(uint, 1) as Codec<never>, [1, 2]],
      [oneOf('a') as Codec<never>, 'b'],
    ];
    for (const [codec, value] of bad) expect(() => encode(codec, value as never)).toThrow(DecodeError);
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, undefined, 2n ** 64n, { a: undefined }]) {
      expect(() => encode(anyNode, value)).toThrow();
    }
  });

  it('hand out bytes of their own, not views of the input', () => {
    const input = encode(bytes(3), Uint8Array.of(1, 2, 3));
    const value = decode(bytes(3), input, MAX);
    input.fill(0);
    expect(value).toEqual(Uint8Array.of(1, 2, 3));
    const pooled = Buffer.from(encode(bytes(3), Uint8Array.of(1, 2, 3)));
    const fromBuffer = decode(bytes(3), pooled, MAX);
    pooled.fill(0);
    expect([...fromBuffer]).toEqual([1, 2, 3]);
  });

  it('hand out views where the value keeps its own encoding anyway', () => {
    const form = formOf(struct({ name: bytes(3), nested: list(bytes(3), 2) }));
    const input = form.encode({ name: Uint8Array.of(1, 2, 3), nested: [Uint8Array.of(4, 5, 6)] });
    const value = form.decode(input.slice(), MAX);
    const whole = form.encode(value);
    expect(whole).toEqual(input);
    for (const part of [value.name, value.nested[0]!]) expect(part.buffer).toBe(whole.buffer);
  });
});

describe('one of several kinds', () => {
  const shape = oneKindOf({ disc: { radius: uint }, frame: { width: uint, sides: uint }, none: {} });

  it('is the record with its kind in front, as any map', () => {
    for (const value of [
      { kind: 'disc', radius: 3 },
      { kind: 'frame', width: 1, sides: 2 },
      { kind: 'none' },
    ] as const) {
      const raw = encode(shape, value);
      expect(raw).toEqual(encode(anyNode, value));
      expect(decode(shape, raw, MAX)).toEqual(value);
    }
  });

  it('refuses what is no kind, and the fields of another', () => {
    const refusal = (value: unknown) => {
      const result = tryDecode(shape, encode(anyNode, value), MAX);
      return result.ok ? 'accepted' : result.error.message;
    };
    expect(refusal({ radius: 3 })).toMatch(/kind/);
    expect(refusal({})).toMatch(/kind/);
    expect(refusal({ kind: 'ball', radius: 3 })).toMatch(/kind: not one of disc, frame, none/);
    expect(refusal({ kind: 'disc' })).toMatch(/radius: missing/);
    expect(refusal({ kind: 'disc', width: 3 })).toMatch(/width: unknown field/);
    expect(refusal({ kind: 'none', width: 3 })).toMatch(/width: unknown field/);
    expect(() => encode(shape, { kind: 'ball' } as never)).toThrow(/unknown kind ball/);
  });

  it('has no place for a field that comes before the kind', () => {
    expect(() => oneKindOf({ disc: { r: uint } })).toThrow(/before kind/);
  });
});

describe('tagged messages', () => {
  const chainId = new Uint8Array(32).fill(7);
  const codec = tagged('consilium/test', 1, { n: uint });
  const other = tagged('consilium/other', 1, { n: uint });
  const later = tagged('consilium/test', 2, { n: uint });

  it('begin with tag, version and chain id', () => {
    const id = '07'.repeat(32);
    const expected = `846e636f6e73696c69756d2f74657374015820${id}05`;
    expect(bytesToHex(encode(codec, { chainId, n: 5 }))).toBe(expected);
  });

  it('of one kind or version are no other', () => {
    const raw = encode(codec, { chainId, n: 5 });
    expect(decode(codec, raw, MAX)).toEqual({ chainId, n: 5 });
    for (const wrong of [other, later]) expect(() => decode(wrong, raw, MAX)).toThrow(DecodeError);
    for (const node of [
      null,
      [],
      ['consilium/test'],
      ['consilium/test', 1],
      ['consilium/test', 1, chainId],
    ]) {
      expect(() => decode(codec, encode(anyNode, node), MAX)).toThrow(DecodeError);
    }
  });
});
