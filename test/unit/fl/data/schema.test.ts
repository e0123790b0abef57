import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bytesToHex } from '../../../../crypto/index.js';
import {
  checkSchema,
  type DataSchema,
  type FeatureSchema,
  MICRO_MAX,
  readSchema,
  schemaHash,
} from '../../../../fl/index.js';

const feature: FeatureSchema = {
  name: 'glucose',
  centerMicro: 120_000_000,
  scaleMicro: 30_000_000,
  minMicro: 40_000_000,
  maxMicro: 400_000_000,
  zeroIsMissing: true,
};
const label = { name: 'outcome', positive: '1', negative: '0' };
const schema: DataSchema = { features: [feature], label };

function having(change: Partial<FeatureSchema>): DataSchema {
  return { features: [{ ...feature, ...change }], label };
}

describe('checkSchema', () => {
  it('accepts a sound schema, at the bounds too', () => {
    expect(checkSchema(schema)).toBeNull();
    expect(checkSchema(having({ maxMicro: MICRO_MAX, scaleMicro: MICRO_MAX / 1e6 }))).toBeNull();
    expect(checkSchema(having({ name: 'x'.repeat(64) }))).toBeNull();
    expect(checkSchema(having({ centerMicro: 40_000_000 }))).toBeNull();
  });

  it.each<[string, DataSchema, RegExp]>([
    ['no feature', { features: [], label }, /no features/],
    [
      'too many',
      { features: Array.from({ length: 1025 }, (_, i) => ({ ...feature, name: `f${i}` })), label },
      /1025/,
    ],
    ['a name twice', { features: [feature, feature], label }, /twice/],
    ['the label as a feature', having({ name: 'outcome' }), /also a feature/],
    ['an empty name', having({ name: '' }), /empty/],
    ['blanks', having({ name: ' a' }), /blanks/],
    ['a long name', having({ name: 'x'.repeat(65) }), /64/],
    ['half a character', having({ name: 'a\ud800' }), /printed/],
    ['a control character', having({ name: 'a\u0007b' }), /printed/],
    ['a fraction', having({ centerMicro: 1.5 }), /range/],
    ['not a number', having({ minMicro: Number.NaN }), /range/],
    ['too large', having({ maxMicro: MICRO_MAX + 1 }), /range/],
    ['no scale', having({ scaleMicro: 0 }), /scale/],
    ['a negative scale', having({ scaleMicro: -1 }), /scale/],
    ['empty bounds', having({ minMicro: 400_000_000 }), /below max/],
    ['a center below', having({ centerMicro: 39_999_999 }), /center/],
    ['a center above', having({ centerMicro: 400_000_001 }), /center/],
    ['a scale too small', having({ scaleMicro: 279 }), /too small/],
    ['the same label values', { features: [feature], label: { ...label, negative: '1.0' } }, /same/],
    ['an empty label value', { features: [feature], label: { ...label, negative: '' } }, /empty/],
  ])('refuses %s', (_, bad, text) => {
    expect(checkSchema(bad)).toMatch(text);
  });
});

describe('schemaHash', () => {
  it('is fixed for ever (computed from the documented preimage)', () => {
    expect(bytesToHex(schemaHash(schema))).toBe(
      '075edabd17f6dc7a02663c1b43a776fed562d00035fac9e6bada86b75c35dd80',
    );
  });

  it('changes with every field and with the order of features', () => {
    const other = { ...feature, name: 'bmi' };
    const variants: DataSchema[] = [
      schema,
      having({ name: 'glucosf' }),
      having({ centerMicro: 120_000_001 }),
      having({ scaleMicro: 30_000_001 }),
      having({ minMicro: 40_000_001 }),
      having({ maxMicro: 400_000_001 }),
      having({ zeroIsMissing: false }),
      { features: [feature], label: { ...label, name: 'o' } },
      { features: [feature], label: { ...label, positive: '2' } },
      { features: [feature], label: { ...label, negative: '2' } },
      { features: [feature], label: { ...label, positive: '0', negative: '1' } },
      { features: [feature, other], label },
      { features: [other, feature], label },
    ];
    expect(new Set(variants.map((variant) => bytesToHex(schemaHash(variant)))).size).toBe(variants.length);
  });

  it('takes no schema that is unsound', () => {
    expect(() => schemaHash(having({ scaleMicro: 0 }))).toThrow(RangeError);
  });
});

describe('readSchema', () => {
  const file = {
    label,
    features: [
      { name: 'glucose', center: 120, scale: 30, min: 40, max: 400, missing: 'zero', unit: 'mg/dL' },
    ],
  };

  it('reads decimals into whole millionths, exactly', () => {
    expect(readSchema(file)).toEqual({ ok: true, schema });
    const small = { ...file.features[0]!, center: 0.000003, scale: 0.1, min: -0.0, max: 1.1 };
    expect(readSchema({ ...file, features: [small] })).toMatchObject({
      ok: true,
      schema: { features: [{ centerMicro: 3, scaleMicro: 100_000, minMicro: 0, maxMicro: 1_100_000 }] },
    });
  });

  it('takes only empty cells for missing unless told', () => {
    const { missing: _, ...plain } = file.features[0]!;
    expect(readSchema({ ...file, features: [plain] })).toEqual({
      ok: true,
      schema: having({ zeroIsMissing: false }),
    });
  });

  it.each<[string, unknown, RegExp]>([
    ['no object', 7, /the schema/],
    ['no label', { features: file.features }, /label/],
    [
      'a text for a number',
      { ...file, features: [{ ...file.features[0], scale: '30' }] },
      /features\.0\.scale/,
    ],
    [
      'a seventh decimal',
      { ...file, features: [{ ...file.features[0], center: 0.1234567 }] },
      /six decimals/,
    ],
    ['an unknown field', { ...file, features: [{ ...file.features[0], centre: 1 }] }, /centre/],
    [
      'an unknown rule for missing',
      { ...file, features: [{ ...file.features[0], missing: 'na' }] },
      /missing/,
    ],
    ['a number out of range', { ...file, features: [{ ...file.features[0], max: 1e10 }] }, /range/],
    ['an unsound schema', { ...file, features: [{ ...file.features[0], min: 500 }] }, /below max/],
  ])('refuses %s', (_, json, text) => {
    const result = readSchema(json);
    expect(result).toMatchObject({ ok: false, reason: expect.stringMatching(text) });
  });

  it('reads the schema of the Pima table, with the numbers of the design', () => {
    const url = new URL('../../../../datasets/pima.schema.json', import.meta.url);
    const result = readSchema(JSON.parse(readFileSync(url, 'utf8')));
    if (!result.ok) throw new Error(result.reason);
    const short = result.schema.features.map((f) => [
      f.name,
      ...[f.centerMicro, f.scaleMicro, f.minMicro, f.maxMicro].map((value) => value / 1e6),
      f.zeroIsMissing,
    ]);
    expect(short).toEqual([
      ['pregnancies', 2, 2, 0, 20, false],
      ['glucose', 120, 30, 40, 400, true],
      ['blood_pressure', 75, 12, 30, 140, true],
      ['skin_thickness', 25, 10, 3, 100, true],
      ['insulin', 100, 100, 5, 1000, true],
      ['bmi', 28, 6, 12, 70, true],
      ['pedigree', 0.5, 0.3, 0, 3, false],
      ['age', 35, 12, 18, 100, false],
    ]);
  });
});
