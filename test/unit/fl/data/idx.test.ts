import { describe, expect, it } from 'vitest';
import { checkIdx } from '../../../../fl/data/idx.js';
import {
  type DataProblem,
  type DataSchema,
  encodeIdxRows,
  type IdxHeader,
  numberFeature,
  readIdxHeader,
  readIdxNumbers,
} from '../../../../fl/index.js';

const bytes = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

function header(text: string): IdxHeader {
  const read = readIdxHeader(bytes(text));
  if (!read.ok) throw new Error(read.text);
  return read.header;
}

const pixel = numberFeature({
  name: 'p',
  count: 4,
  centerMicro: 0,
  scaleMicro: 255_000_000,
  minMicro: 0,
  maxMicro: 255_000_000,
  source: 'a byte',
});
const schema: DataSchema = {
  features: [pixel],
  label: { name: 'digit', classes: ['0', '7'], weights16: [] },
  subject: null,
  site: null,
};

describe('readIdxHeader', () => {
  it('reads the first bytes of MNIST as published: 60000 images of 28 x 28, 60000 labels', () => {
    expect(header('00000803 0000ea60 0000001c 0000001c')).toMatchObject({
      dimensions: [60_000, 28, 28],
      headerBytes: 16,
      rowNumbers: 784,
      rowBytes: 784,
      bytes: 16 + 60_000 * 784,
    });
    expect(header('00000801 0000ea60')).toMatchObject({ dimensions: [60_000], rowNumbers: 1, bytes: 60_008 });
  });

  it.each([
    ['000008', /begin/],
    ['01000801 00000001', /begin/],
    ['00010801 00000001', /begin/],
    ['00000701 00000001', /0x07/],
    ['00000800', /0 dimensions/],
    ['00000805 00000001 00000001 00000001 00000001 00000001', /5 dimensions/],
    ['00000802 00000001 000000', /cut short/],
    ['00000802 00000001 00000000', /dimension is 0/],
    ['00000e03 ffffffff ffffffff ffffffff', /too large/],
  ])('refuses %s', (text, reason) => {
    expect(readIdxHeader(bytes(text))).toMatchObject({ ok: false, text: expect.stringMatching(reason) });
  });

  it.each<[string, string, number[]]>([
    ['08', '00 80 ff', [0, 128, 255]],
    ['09', '00 80 ff', [0, -128, -1]],
    ['0b', '8000 0102', [-32_768, 258]],
    ['0c', 'fffffffe 00000100', [-2, 256]],
    ['0d', '3fc00000 ff800000', [1.5, Number.NEGATIVE_INFINITY]],
    ['0e', '3ff8000000000000', [1.5]],
  ])('reads numbers of type 0x%s, big-endian', (type, data, numbers) => {
    const read = header(`0000${type}01 00000001`);
    expect([...readIdxNumbers(read, bytes(data))]).toEqual(numbers);
    const whole = bytes(data);
    if (read.type.bytes > 1) expect(() => readIdxNumbers(read, whole.subarray(1))).toThrow(RangeError);
  });
});

describe('checkIdx', () => {
  const images = header('00000803 00000005 00000002 00000002');
  const labels = header('00000801 00000005');
  it('takes one group of numbers of the right length and a label each', () => {
    expect(checkIdx(images, labels, schema)).toBeNull();
  });
  it.each<[string, IdxHeader, IdxHeader, DataSchema, RegExp]>([
    ['another length', header('00000802 00000005 00000003'), labels, schema, /3 numbers/],
    ['another number of labels', images, header('00000801 00000006'), schema, /6 labels/],
    ['labels of two dimensions', images, header('00000802 00000005 00000001'), schema, /one dimension/],
    ['two features', images, labels, { ...schema, features: [pixel, { ...pixel, name: 'q' }] }, /one such/],
    ['a subject', images, labels, { ...schema, subject: 's' }, /one such/],
    ['an unsound schema', images, labels, { ...schema, features: [] }, /no features/],
  ])('refuses %s', (_, x, y, of, text) => {
    expect(checkIdx(x, y, of)).toMatchObject({ kind: 'bad-schema', text: expect.stringMatching(text) });
  });
});

describe('encodeIdxRows', () => {
  it('scales, marks what is missing, and names rows with a label or number that does not fit', () => {
    const problems: DataProblem[] = [];
    const feature = { ...pixel, missing: ['0'], indicator: true, maxMicro: 204_000_000 };
    const seen = { missing: new Float64Array(1), clipped: new Float64Array(1) };
    const { x, y } = encodeIdxRows(
      { ...schema, features: [feature] },
      Float64Array.from([0, 51, 102, 255, 51, Number.NaN, 51, 51]),
      Float64Array.from([7, 3]),
      11,
      (problem) => problems.push(problem),
      seen,
    );
    const close = (values: Float32Array) => [...values].map((value) => Math.round(value * 10) / 10);
    expect(close(x)).toEqual([0, 0.2, 0.4, 0.8, 1, 0, 0, 0, 0.2, 0, 0.2, 0.2, 0, 0, 0, 0]);
    expect([...y]).toEqual([1, 0]);
    expect(problems.map(({ kind, line, column }) => [kind, line, column])).toEqual([
      ['not-finite', 12, 'p1'],
      ['unknown-label', 12, 'digit'],
    ]);
    expect([seen.missing[0], seen.clipped[0]]).toEqual([1, 1]);
  });
});
