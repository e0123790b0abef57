import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addCombination, layOut, sumWholes, takeLargest } from '../../../../fl/trainer/kernels/index.js';

/** Runs and lengths on both sides of every block size, terms that overlap, strides with gaps. */
const shape = fc.record({
  vectors: fc.integer({ min: 1, max: 23 }),
  runs: fc.integer({ min: 1, max: 4 }),
  gap: fc.integer({ min: 0, max: 3 }),
  terms: fc.array(fc.tuple(fc.nat(40), fc.integer({ min: -50, max: 50 })), { minLength: 1, maxLength: 9 }),
});

describe('combinations of rows', () => {
  it('adds values · from to what is there, run by run, and touches nothing else', () => {
    fc.assert(
      fc.property(shape, ({ vectors, runs, gap, terms }) => {
        const length = 4 * vectors;
        const [fromStride, toStride] = [length + gap, length + 2 * gap];
        const layout = layOut(65_536);
        const from = layout.floats(40 + runs * fromStride + length).map((_, at, all) => {
          all[at] = (at % 17) - 8;
          return all[at]!;
        });
        const to = layout.floats(runs * toStride + length).fill(3);
        const offsets = layout.whole(terms.length);
        const values = layout.floats(terms.length);
        for (const [at, [offset, value]] of terms.entries()) [offsets[at], values[at]] = [4 * offset, value];
        const expected = Float32Array.from(to, (before, at) => {
          const [run, entry] = [Math.floor(at / toStride), at % toStride];
          if (run >= runs || entry >= length) return before;
          return terms.reduce(
            (sum, [offset, value]) => sum + value * from[offset + run * fromStride + entry]!,
            3,
          );
        });
        addCombination({
          count: terms.length,
          offsets: offsets.byteOffset,
          values: values.byteOffset,
          from: 0,
          fromStride: 4 * fromStride,
          to: to.byteOffset,
          toStride: 4 * toStride,
          runs,
          length: 4 * length,
        });
        expect(to).toEqual(expected);
      }),
    );
  });

  it('cuts each product toward zero before it sums, in place of what is there', () => {
    const layout = layOut(4_096);
    const from = layout.doubles(4);
    const to = layout.doubles(2).fill(99);
    const values = layout.doubles(2);
    const offsets = layout.whole(2);
    from.set([0.5, -0.5, 3, -(2 ** 40)]);
    values.set([3, 1.75]);
    offsets.set([0, 16]);
    const places = { offsets: offsets.byteOffset, values: values.byteOffset, from: 0, to: to.byteOffset };
    sumWholes({ ...places, count: 2, fromStride: 0, toStride: 0, runs: 1, length: 16 });
    expect([...to]).toEqual([1 + 5, -1 - 1.75 * 2 ** 40]);
    sumWholes({ ...places, count: 0, fromStride: 0, toStride: 0, runs: 1, length: 16 });
    expect([...to]).toEqual([6, -1 - 1.75 * 2 ** 40]);
  });

  it('keeps what lies in its memory when it needs more', () => {
    layOut(64).floats(4).set([1, 2, 3, 4]);
    const layout = layOut(8 * 2 ** 20);
    expect([...layout.floats(4)]).toEqual([1, 2, 3, 4]);
    expect(layout.doubles(2 ** 20 - 2).length).toBe(2 ** 20 - 2);
  });
});

interface Shape {
  readonly lines: number;
  readonly columns: number;
  readonly size: number;
  readonly channels: number;
}

describe('the largest of squares', () => {
  const entry = fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: -3, max: 3 }) },
    { weight: 1, arbitrary: fc.constantFrom(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY) },
  );
  const image = fc
    .record({
      lines: fc.integer({ min: 1, max: 3 }),
      columns: fc.integer({ min: 1, max: 3 }),
      size: fc.integer({ min: 1, max: 3 }),
      channels: fc.integer({ min: 1, max: 9 }),
    })
    .chain((shape) => {
      const length = shape.lines * shape.columns * shape.size ** 2 * shape.channels;
      return fc.record({
        shape: fc.constant(shape),
        x: fc.array(entry, { minLength: length, maxLength: length }),
      });
    });

  function taken({ lines, columns, size, channels }: Shape, x: readonly number[]) {
    const outputs = lines * columns * channels;
    const layout = layOut(4 * (x.length + 2 * outputs + 12) + 48);
    const from = layout.floats(x.length + 4);
    const values = layout.floats(outputs + 4);
    const places = layout.whole(outputs + 4);
    from.set(x);
    takeLargest({
      from: from.byteOffset,
      values: values.byteOffset,
      places: places.byteOffset,
      ...{ lines, columns, size, channels },
    });
    return { values: [...values.subarray(0, outputs)], places: [...places.subarray(0, outputs)] };
  }

  it('finds each, and the first place of it', () => {
    fc.assert(
      fc.property(image, ({ shape, x }) => {
        const { lines, columns, size, channels } = shape;
        const expected = { values: [] as number[], places: [] as number[] };
        for (let line = 0; line < lines; line++)
          for (let column = 0; column < columns; column++)
            for (let channel = 0; channel < channels; channel++) {
              const places = Array.from({ length: size * size }, (_, nth) => {
                const [down, right] = [Math.floor(nth / size), nth % size];
                return ((line * size + down) * columns * size + column * size + right) * channels + channel;
              });
              const most = Math.max(...places.map((place) => x[place]!));
              expected.values.push(most);
              expected.places.push(places.find((place) => x[place] === most)!);
            }
        expect(taken(shape, x)).toEqual(expected);
      }),
    );
  });

  it('takes what is no number before any other', () => {
    const shape = { lines: 1, columns: 1, size: 2, channels: 1 };
    expect(taken(shape, [1, Number.NaN, 3, 2])).toEqual({ values: [Number.NaN], places: [1] });
  });
});
