import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bytesToHex } from '../../../../crypto/index.js';
import {
  categoryFeature,
  checkSchema,
  type DataSchema,
  encodedColumns,
  encodedWidth,
  type FeatureSchema,
  type LabelSchema,
  MICRO_MAX,
  numberFeature,
  readSchema,
  requiredColumns,
  schemaHash,
  schemaJson,
} from '../../../../fl/index.js';

const feature: FeatureSchema = numberFeature({
  name: 'glucose',
  centerMicro: 120_000_000,
  scaleMicro: 30_000_000,
  minMicro: 40_000_000,
  maxMicro: 400_000_000,
  missing: ['0'],
  source: 'a guideline',
});
const sex = categoryFeature({ name: 'sex', categories: ['f', 'm'], source: 'as recorded' });
const label: LabelSchema = { name: 'outcome', classes: ['0', '1'], weights16: [] };
const schema: DataSchema = { features: [feature], label, subject: null, site: null };

function having(change: Partial<FeatureSchema>): DataSchema {
  return { ...schema, features: [{ ...feature, ...change }] };
}

function labelled(change: Partial<LabelSchema>): DataSchema {
  return { ...schema, label: { ...label, ...change } };
}

describe('checkSchema', () => {
  it('accepts a sound schema, at the bounds too', () => {
    expect(checkSchema(schema)).toBeNull();
    expect(checkSchema(having({ maxMicro: MICRO_MAX, scaleMicro: MICRO_MAX / 1e6 }))).toBeNull();
    expect(checkSchema(having({ name: 'x'.repeat(64) }))).toBeNull();
    expect(checkSchema(having({ centerMicro: 40_000_000 }))).toBeNull();
  });

  it('takes categories, groups of columns, indicators, weights, subject and site', () => {
    const pixels = { ...feature, name: 'p', count: 3, indicator: true };
    const full: DataSchema = {
      features: [{ ...sex, indicator: true }, pixels],
      label: { name: 'y', classes: ['a', 'b', 'c'], weights16: [1, 65_536, 64 * 65_536] },
      subject: 'person',
      site: 'hospital',
    };
    expect(checkSchema(full)).toBeNull();
    expect(encodedColumns(full)).toEqual([
      ...['sex=f', 'sex=m', 'sex is missing'],
      ...['p0', 'p1', 'p2', 'p0 is missing', 'p1 is missing', 'p2 is missing'],
    ]);
    expect(encodedWidth(full)).toBe(9);
    expect(requiredColumns(full)).toEqual(['sex', 'p0', 'p1', 'p2', 'y', 'person']);
  });

  it.each<[string, DataSchema, RegExp]>([
    ['no feature', { ...schema, features: [] }, /no features/],
    [
      'too many',
      { ...schema, features: Array.from({ length: 1025 }, (_, i) => ({ ...feature, name: `f${i}` })) },
      /1025/,
    ],
    ['a name twice', { ...schema, features: [feature, feature] }, /twice/],
    [
      'a name that a group of columns has',
      {
        ...schema,
        features: [
          { ...feature, name: 'p', count: 2 },
          { ...feature, name: 'p1' },
        ],
      },
      /p1 is there twice/,
    ],
    ['the label as a feature', having({ name: 'outcome' }), /also a feature/],
    ['the subject as a feature', { ...schema, subject: 'glucose' }, /subject glucose/],
    ['the site as the label', { ...schema, site: 'outcome' }, /site outcome/],
    ['an empty name', having({ name: '' }), /empty/],
    ['blanks', having({ name: ' a' }), /blanks/],
    ['a long name', having({ name: 'x'.repeat(65) }), /64/],
    ['a name of many bytes', having({ name: '\u00e9'.repeat(33) }), /64/],
    ['half a character', having({ name: 'a\ud800' }), /printed/],
    ['a control character', having({ name: 'a\u0007b' }), /printed/],
    ['no source', having({ source: '' }), /source/],
    ['a long source', having({ source: 'x'.repeat(401) }), /source/],
    ['no columns', having({ count: 0 }), /count/],
    ['too many columns', having({ count: 65_536, indicator: true }), /131072/],
    ['many texts for missing', having({ missing: Array.from({ length: 9 }, (_, i) => `m${i}`) }), /8/],
    ['a missing text twice', having({ missing: ['0', '0.0'] }), /twice/],
    ['an empty missing text', having({ missing: [''] }), /empty/],
    ['categories of a number', having({ categories: ['a', 'b'] }), /no categories/],
    ['a kind that nobody knows', having({ kind: 'text' as 'number' }), /known: number, category/],
    ['one category', { ...schema, features: [{ ...sex, categories: ['f'] }] }, /1 categories/],
    ['a category twice', { ...schema, features: [{ ...sex, categories: ['1', '1.0'] }] }, /twice/],
    ['a category that is missing', { ...schema, features: [{ ...sex, missing: ['m'] }] }, /twice/],
    ['a category with a scale', { ...schema, features: [{ ...sex, scaleMicro: 2_000_000 }] }, /scale 1/],
    ['two columns of categories', { ...schema, features: [{ ...sex, count: 2 }] }, /one column/],
    ['a fraction', having({ centerMicro: 1.5 }), /range/],
    ['not a number', having({ minMicro: Number.NaN }), /range/],
    ['too large', having({ maxMicro: MICRO_MAX + 1 }), /range/],
    ['no scale', having({ scaleMicro: 0 }), /scale/],
    ['a negative scale', having({ scaleMicro: -1 }), /scale/],
    ['empty bounds', having({ minMicro: 400_000_000 }), /below max/],
    ['a center below', having({ centerMicro: 39_999_999 }), /center/],
    ['a center above', having({ centerMicro: 400_000_001 }), /center/],
    ['a scale too small', having({ scaleMicro: 279 }), /too small/],
    ['the same label values', labelled({ classes: ['1', '1.0'] }), /same/],
    ['an empty label value', labelled({ classes: ['', '1'] }), /empty/],
    ['one class', labelled({ classes: ['1'] }), /2 to 1000/],
    ['a weight too few', labelled({ weights16: [65_536] }), /1 class weights for 2/],
    ['a weight of nothing', labelled({ weights16: [65_536, 0] }), /above 0/],
    ['a weight too large', labelled({ weights16: [65_536, 64 * 65_536 + 1] }), /at most 64/],
  ])('refuses %s', (_, bad, text) => {
    expect(checkSchema(bad)).toMatch(text);
  });
});

describe('schemaHash', () => {
  it('is fixed for ever (computed from the documented preimage by Python)', () => {
    expect(bytesToHex(schemaHash(schema))).toBe(
      '9cf9c54b9c73de23139db1253fc0a02154c744493eedc72e186f2478fc96046e',
    );
    const rich: DataSchema = {
      features: [
        { ...sex, indicator: true },
        { ...feature, count: 2, centerMicro: 41_000_000 },
      ],
      label: { ...label, weights16: [65_536, 131_072] },
      subject: 'p\u00e9',
      site: 's',
    };
    expect(bytesToHex(schemaHash(rich))).toBe(
      '5aee35c424736273b492cb8858d68c374ab6dd174574e595b1ee7fbd1de4aeb7',
    );
  });

  it('changes with every field but the source, and with the order of features', () => {
    const other = { ...feature, name: 'bmi' };
    const variants: DataSchema[] = [
      schema,
      having({ name: 'glucosf' }),
      having({ count: 2 }),
      having({ centerMicro: 120_000_001 }),
      having({ scaleMicro: 30_000_001 }),
      having({ minMicro: 40_000_001 }),
      having({ maxMicro: 400_000_001 }),
      having({ missing: [] }),
      having({ missing: ['1'] }),
      having({ indicator: true }),
      { ...schema, features: [sex] },
      { ...schema, features: [{ ...sex, categories: ['m', 'f'] }] },
      { ...schema, features: [numberFeature({ ...sex, kind: 'number', categories: [] })] },
      { ...schema, subject: 's' },
      { ...schema, site: 's' },
      labelled({ name: 'o' }),
      labelled({ classes: ['0', '2'] }),
      labelled({ classes: ['2', '1'] }),
      labelled({ classes: ['1', '0'] }),
      labelled({ weights16: [65_536, 65_536] }),
      labelled({ weights16: [65_536, 65_537] }),
      { ...schema, features: [feature, other] },
      { ...schema, features: [other, feature] },
    ];
    expect(new Set(variants.map((variant) => bytesToHex(schemaHash(variant)))).size).toBe(variants.length);
    expect(schemaHash(having({ source: 'another book' }))).toEqual(schemaHash(schema));
  });

  it('takes no schema that is unsound', () => {
    expect(() => schemaHash(having({ scaleMicro: 0 }))).toThrow(RangeError);
  });
});

describe('readSchema', () => {
  const glucose = { name: 'glucose', center: 120, scale: 30, min: 40, max: 400, source: 'a guideline' };
  const file = {
    label: { name: 'outcome', positive: '1', negative: '0' },
    features: [{ ...glucose, missing: 'zero', unit: 'mg/dL' }],
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
      schema: having({ missing: [] }),
    });
  });

  it('reads categories, groups of columns, indicators, classes with weights, subject and site', () => {
    const rich = {
      label: { name: 'y', classes: ['a', 'b', 'c'], weights: [1, 0.5, 2] },
      subject: 'person',
      site: 'hospital',
      features: [
        { name: 'sex', kind: 'category', categories: ['f', 'm'], missing: ['?'], source: 's' },
        { ...glucose, name: 'p', kind: 'number', count: 4, indicator: true, missing: ['-9', 'NA'] },
      ],
    };
    const result = readSchema(rich);
    if (!result.ok) throw new Error(result.reason);
    expect(result.schema).toEqual({
      label: { name: 'y', classes: ['a', 'b', 'c'], weights16: [65_536, 32_768, 131_072] },
      subject: 'person',
      site: 'hospital',
      features: [
        { ...sex, missing: ['?'], source: 's' },
        { ...feature, name: 'p', count: 4, indicator: true, missing: ['-9', 'NA'] },
      ],
    });
    expect(readSchema(JSON.parse(JSON.stringify(schemaJson(result.schema))))).toEqual(result);
  });

  it('takes the weight of one of two classes', () => {
    expect(readSchema({ ...file, label: { ...file.label, positiveWeight: 2 } })).toMatchObject({
      schema: { label: { classes: ['0', '1'], weights16: [65_536, 131_072] } },
    });
  });

  it.each<[string, unknown, RegExp]>([
    ['no object', 7, /the schema/],
    ['no source', { ...file, features: [{ ...glucose, source: undefined }] }, /features\.0\.source/],
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
      f.missing.includes('0'),
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
