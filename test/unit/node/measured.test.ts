import { describe, expect, it } from 'vitest';
import { payloadId } from '../../../chain/index.js';
import { measureOf, measureUpdate } from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { createGrid, packUpdate } from '../../../fl/index.js';
import { createMeasured } from '../../../node/measured.js';

const gridOf = (dimension: number) => createGrid({ dimension, clip16: 65_536, sigma16: 0 });
const packed = packUpdate(Int32Array.of(3, -4, 12));

describe('the measure of an update', () => {
  it('is its squared norm, or why it does not unpack', () => {
    expect(measureUpdate(packed, gridOf(3))).toEqual({ ok: true, squaredNorm: 169n, signedCount: null });
    expect(measureUpdate(packed, gridOf(4))).toEqual({ ok: false, reason: 'wrong-dimension' });
    expect(measureUpdate(packed, gridOf(3))).toEqual({ ok: true, squaredNorm: 169n, signedCount: null });
  });

  it('is taken once of the same bytes, and anew of others that only look the same', () => {
    const [first, second] = [packed.slice(), packed.slice()];
    expect(measureUpdate(first, gridOf(3))).toBe(measureUpdate(first, gridOf(3)));
    expect(measureOf(second)).toBe(null);
    second[6]! ^= 1;
    expect(measureUpdate(second, gridOf(3))).not.toEqual(measureUpdate(first, gridOf(3)));
  });
});

describe('what a node has measured', () => {
  it('goes with the bytes that the store reads for the same payload, and with no other’s', () => {
    const other = packUpdate(Int32Array.of(1, 2, 3));
    const held = new Map([packed, other].map((bytes) => [bytesToHex(payloadId(bytes)), bytes]));
    const measured = createMeasured({ payload: (id) => held.get(bytesToHex(id))?.slice() ?? null });
    const checked = packed.slice();
    const result = measureUpdate(checked, gridOf(3));
    measured.note(payloadId(packed), checked);
    const read = measured.payload(payloadId(packed))!;
    expect(read).not.toBe(checked);
    expect(measureOf(read)?.result).toBe(result);
    expect(measureOf(measured.payload(payloadId(other))!)).toBe(null);
    expect(measured.payload(new Uint8Array(32))).toBe(null);
  });

  it('is bounded: what was noted longest ago is forgotten', () => {
    const measured = createMeasured({ payload: () => packed.slice() });
    const idOf = (nth: number) => Uint8Array.of(nth >> 8, nth & 255);
    for (let nth = 0; nth <= 8_192; nth += 1) {
      const bytes = packed.slice();
      measureUpdate(bytes, gridOf(3));
      measured.note(idOf(nth), bytes);
    }
    expect(measureOf(measured.payload(idOf(0))!)).toBe(null);
    expect(measureOf(measured.payload(idOf(1))!)).not.toBe(null);
  });
});
