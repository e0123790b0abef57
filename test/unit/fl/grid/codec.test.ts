import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesToHex, hexToBytes } from '../../../../crypto/index.js';
import { packUpdate, type UnpackRefusal, unpackUpdate, updateBytesMax } from '../../../../fl/index.js';

const wireOf = (...entries: number[]) => Int32Array.from(entries);

describe('update codec', () => {
  it.each([
    ['010000000003', [0, 0, 0]],
    ['010100000003' + '05', [-1, 0, -1]],
    // -1, 1, 2 are 1, 2, 4 in three bits: 100 010 001 from the low end on.
    ['010300000003' + '1101', [-1, 1, 2]],
    ['012000000002' + 'feffffff' + 'ffffffff', [2 ** 31 - 1, -(2 ** 31)]],
    // Two entries of 31 bits: the second one starts inside the fourth byte.
    ['011f00000002' + 'feffff7f00000000', [2 ** 30 - 1, 0]],
  ])('%s stands for %j', (hex, entries) => {
    expect(bytesToHex(packUpdate(wireOf(...entries)))).toBe(hex);
    expect(unpackUpdate(hexToBytes(hex), entries.length)).toEqual({ ok: true, wire: wireOf(...entries) });
  });

  it('goes there and back at every width, within the stated size', () => {
    const entries = fc
      .integer({ min: 0, max: 31 })
      .chain((bits) =>
        fc.array(fc.integer({ min: -(2 ** bits), max: 2 ** bits - 1 }), { minLength: 1, maxLength: 200 }),
      );
    fc.assert(
      fc.property(entries, (list) => {
        const bytes = packUpdate(wireOf(...list));
        expect(bytes.length).toBeLessThanOrEqual(updateBytesMax(list.length));
        expect(unpackUpdate(bytes, list.length)).toEqual({ ok: true, wire: wireOf(...list) });
      }),
    );
  });

  it('accepts no second encoding: what unpacks packs to the same bytes', () => {
    const header = fc.tuple(fc.constant(1), fc.integer({ min: 0, max: 33 }));
    fc.assert(
      fc.property(
        header,
        fc.integer({ min: 1, max: 12 }),
        fc.uint8Array({ maxLength: 30 }),
        (front, d, body) => {
          const size = Math.ceil((d * front[1]) / 8);
          const bytes = Uint8Array.from([...front, 0, 0, 0, d, ...body.subarray(0, size)]);
          const unpacked = unpackUpdate(bytes, d);
          if (unpacked.ok) expect(bytesToHex(packUpdate(unpacked.wire))).toBe(bytesToHex(bytes));
        },
      ),
      { numRuns: 1000 },
    );
  });

  const invalid: [UnpackRefusal, string, number][] = [
    ['too-short', '', 1],
    ['too-short', '0100000000', 1],
    ['unsupported-version', '000000000001', 1],
    ['unsupported-version', '020000000001', 1],
    ['wrong-dimension', '010000000002', 3],
    ['wrong-dimension', '0100ffffffff', 3],
    ['width-out-of-range', '012100000001' + '0000000000', 1],
    ['wrong-length', '010300000003' + '11', 3],
    ['wrong-length', '010300000003' + '110100', 3],
    ['wrong-length', '010000000003' + '00', 3],
    ['padding-not-zero', '010300000003' + '1103', 3],
    ['padding-not-zero', '010100000003' + '0d', 3],
    ['width-not-least', '010100000003' + '00', 3],
    ['width-not-least', '010400000002' + '21', 2],
    ['width-not-least', '012000000001' + '01000000', 1],
  ];
  it.each(invalid)('refuses as %s: %s', (reason, hex, dimension) => {
    expect(unpackUpdate(hexToBytes(hex), dimension)).toEqual({ ok: false, reason });
  });

  it('packs and unpacks as the format is written down, bit by bit, at every width and length', () => {
    let state = 20_261_122;
    const word = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state;
    };
    for (let width = 0; width <= 32; width += 1) {
      for (let d = 1; d <= 40; d += 1) {
        const codes = Array.from({ length: d }, () => word() % 2 ** width);
        // The least width that holds all: one entry takes its highest bit.
        if (width > 0) codes[word() % d] = 2 ** width - 1 - (word() % 2 ** (width - 1));
        const wire = Int32Array.from(codes, (code) => (code % 2 === 0 ? code / 2 : -(code + 1) / 2));
        const bits = codes.map((code) =>
          [...code.toString(2).padStart(width, '0')].reverse().join('').slice(0, width),
        );
        const body = bits.join('').match(/.{1,8}/g) ?? [];
        const bytes = body.map((byte) => Number.parseInt([...byte].reverse().join(''), 2));
        const expected = Uint8Array.of(1, width, 0, 0, 0, d, ...bytes);
        expect(packUpdate(wire), `width ${width}, ${d} entries`).toEqual(expected);
        expect(unpackUpdate(expected, d)).toEqual({ ok: true, wire });
      }
    }
  });

  it('reads a view of a larger buffer', () => {
    const bytes = hexToBytes(`ffff${bytesToHex(packUpdate(wireOf(5, -7)))}ffff`).subarray(2, -2);
    expect(unpackUpdate(bytes, 2)).toEqual({ ok: true, wire: wireOf(5, -7) });
  });

  it('asserts on an update without entries', () => {
    expect(() => packUpdate(new Int32Array(0))).toThrow(/dimension/);
  });
});
