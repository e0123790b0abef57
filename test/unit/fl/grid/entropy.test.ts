import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesToHex, drbg, hexToBytes, utf8ToBytes } from '../../../../crypto/index.js';
import { encodeAtScale } from '../../../../fl/grid/entropy.js';
import { frequencyTable, TABLES } from '../../../../fl/grid/frequencyTable.js';
import {
  addNoise,
  createGrid,
  decodeEntropy,
  decodeUpdate,
  type EntropyRefusal,
  encodeEntropy,
  encodeUpdate,
  packUpdate,
  toWire,
} from '../../../../fl/index.js';

const wireOf = (...entries: number[]) => Int32Array.from(entries);

describe('frequency tables', () => {
  it('share 2^15 slots, each symbol at least one, in proportion to the Gaussian', () => {
    for (let index = 0; index < TABLES; index++) {
      const { reach, frequency, start, symbolOf } = frequencyTable(index);
      const s = 2 ** (index / 4 - 2);
      expect(reach).toBe(Math.ceil(4.5 * s));
      expect(frequency.length).toBe(2 * reach + 2);
      expect(frequency.reduce((sum, each) => sum + each, 0)).toBe(2 ** 15);
      let total = 0;
      for (let k = -reach; k <= reach; k++) total += Math.exp((-k * k) / (2 * s * s));
      frequency.forEach((each, symbol) => {
        expect(each).toBeGreaterThanOrEqual(1);
        expect(symbolOf[start[symbol]!]).toBe(symbol);
        expect(symbolOf[start[symbol]! + each - 1]).toBe(symbol);
        const k = symbol - reach;
        if (k === 0 || k > reach) return;
        const expected = ((2 ** 15 - frequency.length) * Math.exp((-k * k) / (2 * s * s))) / total;
        expect(each).toBe(1 + Math.floor(expected));
      });
    }
  });
});

describe('entropy coding', () => {
  it.each([
    ['0200000000010080190c', [0]],
    ['02000000000300804b24', [0, 0, 0]],
    ['0224000000095c064261b1d27c1ddd29ffa884c80e', [5, -7, 0, 12, 3, -3, 8, 900, -2]],
    ['02850000000202159807002000cfff1fff00', [-(2 ** 31), 2 ** 31 - 1]],
  ])('%s stands for %j', (hex, entries) => {
    expect(bytesToHex(encodeEntropy(wireOf(...entries)))).toBe(hex);
    expect(decodeEntropy(hexToBytes(hex), entries.length)).toEqual({ ok: true, wire: wireOf(...entries) });
  });

  it('goes there and back at every size of entries, outliers included', () => {
    const entries = fc
      .tuple(fc.integer({ min: 0, max: 31 }), fc.integer({ min: 0, max: 31 }))
      .chain(([bits, rare]) => {
        const of = (b: number) => fc.integer({ min: -(2 ** b), max: 2 ** b - 1 });
        return fc.array(fc.oneof({ weight: 20, arbitrary: of(bits) }, { weight: 1, arbitrary: of(rare) }), {
          minLength: 1,
          maxLength: 300,
        });
      });
    fc.assert(
      fc.property(entries, (list) => {
        const bytes = encodeEntropy(wireOf(...list));
        expect(decodeEntropy(bytes, list.length)).toEqual({ ok: true, wire: wireOf(...list) });
      }),
      { numRuns: 500 },
    );
  });

  it('takes the ends of the range', () => {
    for (const list of [
      [-(2 ** 31)],
      [2 ** 31 - 1],
      new Array<number>(50).fill(-(2 ** 31)),
      [0, 0, 0, 2 ** 31 - 1],
    ]) {
      expect(decodeEntropy(encodeEntropy(wireOf(...list)), list.length)).toEqual({
        ok: true,
        wire: wireOf(...list),
      });
    }
  });

  it('takes rare entries one after the other, which are two bytes each', () => {
    // A deviation of about 4, and three of thirty entries four deviations off.
    const rare = Array.from({ length: 3_000 }, (_, i) => (i % 30 < 3 ? 17 : (i % 11) - 5));
    for (const entries of [rare, rare.map((entry) => -entry)]) {
      const decoded = decodeEntropy(encodeEntropy(wireOf(...entries)), entries.length);
      expect(decoded).toEqual({ ok: true, wire: wireOf(...entries) });
    }
  });

  it('accepts no second encoding: what decodes encodes to the same bytes', () => {
    let accepted = 0;
    const property = fc.property(
      fc.integer({ min: 0, max: 40 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 2 ** 23, max: 2 ** 31 - 1 }),
      fc.uint8Array({ maxLength: 4 }),
      (scale, dimension, state, stream) => {
        const header = new DataView(new ArrayBuffer(10));
        header.setUint8(0, 2);
        header.setUint8(1, scale);
        header.setUint32(2, dimension);
        header.setUint32(6, state);
        const bytes = Uint8Array.of(...new Uint8Array(header.buffer), ...stream);
        const decoded = decodeEntropy(bytes, dimension);
        if (!decoded.ok) return;
        accepted++;
        expect(bytesToHex(encodeEntropy(decoded.wire))).toBe(bytesToHex(bytes));
      },
    );
    fc.assert(property, { numRuns: 2000 });
    // Random states hardly ever end where they must: so alter true payloads, too.
    const random = drbg(utf8ToBytes('entropy/alter'));
    for (let i = 0; i < 3000; i++) {
      const entries = Int32Array.from(random(1 + (i % 7)), (byte) => (byte << 24) >> (24 + (i % 6)));
      const bytes = encodeEntropy(entries);
      const [at, to, cut] = random(3) as unknown as [number, number, number];
      bytes[at % bytes.length] = to;
      const altered = cut < 32 ? bytes.slice(0, -1) : cut < 64 ? Uint8Array.of(...bytes, to) : bytes;
      const decoded = decodeEntropy(altered, entries.length);
      if (!decoded.ok) continue;
      accepted++;
      expect(bytesToHex(encodeEntropy(decoded.wire))).toBe(bytesToHex(altered));
    }
    expect(accepted).toBeGreaterThan(0);
  });

  const good = encodeEntropy(wireOf(5, -7, 0, 12, 3, -3, 8, 900, -2));
  const changed = (at: number, ...to: number[]) => {
    const bytes = good.slice();
    bytes.set(to, at);
    return bytes;
  };
  const invalid: [EntropyRefusal, Uint8Array, number][] = [
    ['too-short', good.slice(0, 9), 9],
    ['too-short', new Uint8Array(0), 9],
    ['unsupported-version', changed(0, 1), 9],
    ['wrong-dimension', good, 8],
    ['wrong-dimension', changed(2, 0xff), 9],
    ['scale-out-of-range', changed(1, 134), 9],
    ['state-out-of-range', changed(6, 0, 0x7f, 0xff, 0xff), 9],
    ['state-out-of-range', changed(6, 0x80, 0, 0, 0), 9],
    ['wrong-length', good.slice(0, -1), 9],
    ['wrong-length', Uint8Array.of(...good, 0), 9],
    // The state after the one entry is not where the encoder begins.
    ['not-canonical', hexToBytes('0200000000017fff4000'), 1],
    // The same entries at the scales beside theirs.
    ['not-canonical', encodeAtScale(wireOf(5, -7, 0, 12, 3, -3, 8, 900, -2), good[1]! + 1), 9],
    ['not-canonical', encodeAtScale(wireOf(5, -7, 0, 12, 3, -3, 8, 900, -2), good[1]! - 1), 9],
  ];
  it.each(invalid)('refuses as %s: %s', (reason, bytes, dimension) => {
    expect(decodeEntropy(bytes, dimension)).toEqual({ ok: false, reason });
  });

  it('refuses an entry beyond 32 bits', () => {
    // Scale 133 has 28 low bits; a high part of 9 is 2^31 and more.
    const bytes = encodeEntropy(new Int32Array(4).fill(-(2 ** 31)));
    const reasons = new Set<string>();
    const random = drbg(utf8ToBytes('entropy/range'));
    for (let i = 0; i < 400; i++) {
      bytes.set(random(4), 6);
      bytes[6]! &= 0x7f;
      const decoded = decodeEntropy(bytes, 4);
      if (!decoded.ok) reasons.add(decoded.reason);
    }
    expect(reasons.has('entry-out-of-range')).toBe(true);
  });

  it('reads a view of a larger buffer', () => {
    const bytes = Uint8Array.of(255, 255, ...good, 255).subarray(2, -1);
    expect(decodeEntropy(bytes, 9)).toEqual({ ok: true, wire: wireOf(5, -7, 0, 12, 3, -3, 8, 900, -2) });
  });

  it('asserts on an update without entries', () => {
    expect(() => encodeEntropy(new Int32Array(0))).toThrow(/dimension/);
  });

  it('takes the entropy of the noise and no more: under 5 bits an entry at ε = 3, 84 % less than float32', () => {
    const grid = createGrid({ dimension: 20_000, clip16: 65_536, sigma16: 439_091 });
    const wire = toWire(
      addNoise(new Float64Array(grid.dimension), grid, drbg(utf8ToBytes('entropy/size'))),
      grid,
    );
    const variance = wire.reduce((sum, x) => sum + x * x, 0) / wire.length;
    const entropy = Math.log2(Math.sqrt(2 * Math.PI * Math.E * variance));
    const bits = (8 * encodeEntropy(wire).length) / wire.length;
    expect(bits).toBeLessThan(entropy + 0.03);
    expect(bits).toBeGreaterThan(entropy - 0.03);
    expect(bits).toBeLessThan(5.05);
  });
});

describe('encodeUpdate', () => {
  it('packs without noise and codes with it, and reads no other encoding on that grid', () => {
    const wire = wireOf(1, -2, 3);
    const [bare, noisy] = [0, 65_536].map((sigma16) => createGrid({ dimension: 3, clip16: 65_536, sigma16 }));
    expect(bytesToHex(encodeUpdate(wire, bare!))).toBe(bytesToHex(packUpdate(wire)));
    expect(bytesToHex(encodeUpdate(wire, noisy!))).toBe(bytesToHex(encodeEntropy(wire)));
    for (const grid of [bare!, noisy!])
      expect(decodeUpdate(encodeUpdate(wire, grid), grid)).toEqual({ ok: true, wire, signedCount: null });
    const refused = { ok: false, reason: 'unsupported-version' };
    expect(decodeUpdate(encodeUpdate(wire, noisy!), bare!)).toEqual(refused);
    expect(decodeUpdate(Uint8Array.of(...packUpdate(wire), 0, 0, 0, 0), noisy!)).toEqual(refused);
  });

  it('carries a count in front where the grid has one, and reads nothing else', () => {
    const wire = wireOf(1, -2, 3);
    const grid = createGrid({ dimension: 3, clip16: 65_536, sigma16: 65_536, countSigma16: 65_536 });
    for (const count of [0, 1, -1, 2 ** 31 - 1, -(2 ** 31) + 1])
      expect(decodeUpdate(encodeUpdate(wire, grid, count), grid)).toEqual({
        ok: true,
        wire,
        signedCount: count,
      });
    const bytes = encodeUpdate(wire, grid, 7);
    expect(bytesToHex(bytes.subarray(4))).toBe(bytesToHex(encodeEntropy(wire)));
    const least = Uint8Array.of(0x80, 0, 0, 0, ...bytes.subarray(4));
    for (const bad of [least, bytes.subarray(0, 3)])
      expect(decodeUpdate(bad, grid)).toEqual({ ok: false, reason: 'count-out-of-range' });
    expect(decodeUpdate(bytes, { ...grid, countSigma16: null }).ok).toBe(false);
    expect(() => encodeUpdate(wire, grid)).toThrow(/count exactly/);
    expect(() => encodeUpdate(wire, { ...grid, countSigma16: null }, 7)).toThrow(/count exactly/);
  });
});
