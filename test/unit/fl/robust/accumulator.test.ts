import { describe, expect, it } from 'vitest';
import { accumulatorBytesMax, createGrid, normCapSquared } from '../../../../fl/index.js';
import { decodeAccumulator, encodeAccumulator } from '../../../../fl/robust/accumulator.js';
import type { AlignmentState } from '../../../../fl/robust/alignmentState.js';
import { generator, play, quiet, update } from './rounds.js';

const state: AlignmentState = {
  dimension: 2,
  rounds: [
    { round: 3, clip16: 65_536, sigma16: 0 },
    { round: 5, clip16: 2 ** 31 - 1, sigma16: 7 },
  ],
  devices: [
    {
      device: '0a',
      refused: true,
      rounds: 4,
      inner: -256n,
      energy: 2n ** 100n,
      noise: 0n,
      usual: { exponent: -14, multiple: 1, entries: Int32Array.of(17, -40) },
      window: [Int32Array.of(1, -2), null],
    },
    {
      device: 'ff',
      refused: false,
      rounds: 1,
      inner: 255n,
      energy: 0n,
      noise: 1n,
      usual: { exponent: 2, multiple: 1023, entries: Int32Array.of(2 ** 31 - 1, -(2 ** 31)) },
      window: [null, Int32Array.of(-(2 ** 20), 2 ** 20)],
    },
    {
      device: 'fff',
      refused: false,
      rounds: 0,
      inner: 0n,
      energy: 0n,
      noise: 0n,
      usual: { exponent: 0, multiple: 1, entries: Int32Array.of(0, 0) },
      window: [null, null],
    },
  ],
};
const bytes = encodeAccumulator(state);

const patched = (offset: number, value: number) => {
  const copy = bytes.slice();
  copy[offset] = value;
  return copy;
};

describe('the accumulator of alignment', () => {
  it('survives its bytes', () => {
    expect(decodeAccumulator(bytes)).toEqual(state);
    expect(bytes.subarray(0, 6)).toEqual(Uint8Array.of(2, 0, 0, 0, 2, 2));
  });

  it('survives its bytes after every round of a task (seed 7)', () => {
    const random = generator(7);
    const rounds = Array.from({ length: 13 }, () => ({
      updates: ['a', 'b', 'c', 'd'].flatMap((device) =>
        random() < 0.2 ? [] : [update(device, [random() * 900, -random() * 300].map(Math.round))],
      ),
      grid: quiet(2),
    }));
    for (let length = 1; length <= rounds.length; length++) {
      const { accumulator } = play('alignment', rounds.slice(0, length));
      const decoded = decodeAccumulator(accumulator!);
      expect(encodeAccumulator(decoded)).toEqual(accumulator);
      expect(decoded.rounds.map(({ round }) => round)).toEqual(
        Array.from({ length: Math.min(10, length) }, (_, index) => Math.max(1, length - 9) + index),
      );
    }
  });

  it('stays below accumulatorBytesMax when every entry is as large as can be', () => {
    for (const sigma16 of [0, 65_536]) {
      const grid = createGrid({ dimension: 50, clip16: 65_536, sigma16 });
      const largest = Math.floor(Math.sqrt(Number(normCapSquared(grid, 10_000))));
      const wire = new Array<number>(50).fill(0);
      wire[49] = -largest;
      const id = (index: number) => `${index}`.padStart(255, '0');
      const updates = [1, 2, 3].map((index) => update(id(index), wire, 10_000));
      const { accumulator, verdicts } = play(
        'alignment',
        Array.from({ length: 11 }, () => ({ updates, grid })),
      );
      expect(verdicts.at(-1)!.every(({ qualified }) => qualified)).toBe(true);
      const max = accumulatorBytesMax(3, grid);
      expect(accumulator!.length).toBeLessThanOrEqual(max);
      // What is usual was zero here: the entries are those of the median.
      const usualRoom = 3 * 50 * 4;
      // And what it allows beyond that is room for larger sums, not for the window.
      expect(max - accumulator!.length).toBeLessThan(3 * 4 * 256 + usualRoom);
    }
  });

  it('asserts on bytes cut short anywhere, or too long', () => {
    for (let length = 0; length < bytes.length; length++)
      expect(() => decodeAccumulator(bytes.subarray(0, length)), `${length} bytes`).toThrow();
    expect(() => decodeAccumulator(Uint8Array.of(...bytes, 0))).toThrow(/canonical/);
  });

  it('never reads another state from bytes with one bit flipped than the one they canonically stand for', () => {
    for (let bit = 0; bit < 8 * bytes.length; bit += 3) {
      const flipped = patched(bit >> 3, bytes[bit >> 3]! ^ (1 << (bit & 7)));
      let decoded: AlignmentState;
      try {
        decoded = decodeAccumulator(flipped);
      } catch {
        continue;
      }
      expect(encodeAccumulator(decoded)).toEqual(flipped);
      expect(decoded).not.toEqual(state);
    }
  });

  const firstDevice = 6 + 2 * 12 + 2;
  const flags = firstDevice + 3;
  it.each<[string, Uint8Array, RegExp]>([
    ['another version', patched(0, 1), /known version/],
    ['no round', patched(5, 0), /1 to 10 rounds/],
    ['too many rounds', patched(5, 11), /1 to 10 rounds/],
    ['rounds that do not ascend', patched(9, 9), /rounds of the window ascend/],
    ['devices that do not ascend', patched(firstDevice + 1, 'f'.charCodeAt(0) + 1), /devices ascend/],
    ['an unknown flag', patched(flags, 15), /canonical/],
  ])('asserts on %s', (_, bad, message) => {
    expect(() => decodeAccumulator(bad)).toThrow(message);
  });

  it('asserts on a sum of minus zero and on one with a zero in front', () => {
    const zero = { ...state, devices: [{ ...state.devices[0]!, inner: 0n }] };
    const encoded = encodeAccumulator(zero);
    encoded[flags] = 2;
    expect(() => decodeAccumulator(encoded)).toThrow(/canonical/);
    const one = encodeAccumulator({ ...state, devices: [{ ...state.devices[0]!, inner: 256n }] });
    const at = flags + 5 + 1;
    expect([...one.subarray(at - 1, at + 2)]).toEqual([2, 1, 0]);
    one[at] = 0;
    expect(() => decodeAccumulator(one)).toThrow(/canonical/);
  });

  it('asserts on what its fields cannot hold', () => {
    const device = state.devices[0]!;
    const withDevice = (changes: Partial<typeof device>) => ({
      ...state,
      devices: [{ ...device, ...changes }],
    });
    expect(() => encodeAccumulator(withDevice({ device: '' }))).toThrow(/1 to 255 bytes/);
    expect(() => encodeAccumulator(withDevice({ device: 'x'.repeat(256) }))).toThrow(/1 to 255 bytes/);
    expect(() => encodeAccumulator(withDevice({ energy: -1n }))).toThrow(/magnitude/);
    expect(() => encodeAccumulator(withDevice({ energy: 2n ** 2040n }))).toThrow(/magnitude/);
  });
});
