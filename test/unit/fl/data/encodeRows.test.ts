import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesToHex, sha256 } from '../../../../crypto/index.js';
import {
  categoryFeature,
  type DataSchema,
  deriveSchema,
  encodeRows,
  flipLabels,
  numberFeature,
  parseTable,
  readSchema,
  type Table,
} from '../../../../fl/index.js';

const a = { name: 'a', centerMicro: 2e6, scaleMicro: 4e6, minMicro: 0, maxMicro: 10e6, source: 'a test' };
const b = { name: 'b', centerMicro: 10e6, scaleMicro: 2e6, minMicro: 5e6, maxMicro: 20e6, source: 'a test' };
const schema: DataSchema = {
  features: [numberFeature(a), numberFeature({ ...b, missing: ['0'] })],
  label: { name: 'y', classes: ['0', '1'], weights16: [] },
  subject: null,
  site: null,
};

function table(text: string): Table {
  const result = parseTable(text);
  if (!result.ok) throw new Error(result.text);
  return result;
}

function read(name: string): string {
  return readFileSync(new URL(`../../../../datasets/${name}`, import.meta.url), 'utf8');
}

describe('encodeRows', () => {
  it('clips, centres and scales by the schema; missing becomes the centre; columns go by name', () => {
    const result = encodeRows(table('y,extra,b,a\n1,x,12,4\n0,,0,0\n1.0,,,\n0,,1,-5\n1,,1e3,99\n'), schema);
    expect(result).toEqual({
      ok: true,
      rows: 5,
      y: Float32Array.from([1, 0, 1, 0, 1]),
      x: Float32Array.from([0.5, 1, -0.5, 0, 0, 0, -0.5, -2.5, 2, 5]),
      subjects: null,
      sites: null,
    });
  });

  it('gives a category a column a value, a missing one an indicator; classes, subjects and sites go along', () => {
    const rich: DataSchema = {
      features: [
        categoryFeature({
          name: 'sex',
          categories: ['f', '1'],
          missing: ['?'],
          indicator: true,
          source: 's',
        }),
        numberFeature({ ...a, name: 'p', count: 2, missing: ['-9', 'NA'], indicator: true }),
      ],
      label: { name: 'y', classes: ['low', 'mid', 'high'], weights16: [] },
      subject: 'who',
      site: 'where',
    };
    const rows = 'where,who,sex,p0,p1,y\nn,u1,f,2,-9.0,mid\ns,u1,1.0,NA,6,low\ns,u2,?,,2,high\n';
    const result = encodeRows(table(rows), rich);
    expect(result).toEqual({
      ok: true,
      rows: 3,
      y: Float32Array.from([1, 0, 2]),
      x: Float32Array.from([...[1, 0, 0, 0, 0, 0, 1], ...[0, 1, 0, 0, 1, 1, 0], ...[0, 0, 1, 0, 0, 1, 0]]),
      subjects: ['u1', 'u1', 'u2'],
      sites: ['n', 's', 's'],
    });
    const alone = encodeRows(table('who,sex,p0,p1,y\nu1,f,2,2,mid\n'), rich);
    expect(alone).toMatchObject({ ok: true, sites: null });
    const wrong = encodeRows(table('who,sex,p0,p1,y\n,x,2,2,none\n'), rich);
    expect(wrong).toMatchObject({
      problems: [
        { kind: 'unknown-category', column: 'sex' },
        { kind: 'no-subject' },
        { kind: 'unknown-label' },
      ],
    });
  });

  it('encodes a row alike whatever rows stand beside it', () => {
    const row = fc.tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: 0, max: 50 }));
    fc.assert(
      fc.property(row, fc.array(row, { maxLength: 5 }), ([a, b], others) => {
        const text = (rows: number[][]) => `a,b,y\n${rows.map((r) => `${r.join(',')},1\n`).join('')}`;
        const alone = encodeRows(table(text([[a, b]])), schema);
        const among = encodeRows(table(text([...others, [a, b]])), schema);
        if (!alone.ok || !among.ok) throw new Error('refused');
        expect(among.x.slice(-2)).toEqual(alone.x);
        expect(Math.abs(alone.x[0]!)).toBeLessThanOrEqual(2);
      }),
    );
  });

  it('names every missing column', () => {
    const result = encodeRows(table('b\n1\n'), schema);
    expect(result).toMatchObject({
      ok: false,
      problems: [
        { kind: 'missing-column', column: 'a' },
        { kind: 'missing-column', column: 'y' },
      ],
    });
  });

  it.each(['NaN', 'nan', '-Infinity', 'inf', '1.#QNAN'])('refuses %j as not finite', (cell) => {
    expect(encodeRows(table(`a,b,y\n1,6,1\n1,"${cell}",1\n`), schema)).toMatchObject({
      ok: false,
      problems: [{ kind: 'not-finite', line: 3, column: 'b', text: expect.stringContaining(cell) }],
    });
  });

  it.each(['abc', '0x10', '1,5', '1 000', '--1', '.', 'e5', '1e999'])(
    'refuses the text %j in a number column, with line and column',
    (cell) => {
      expect(encodeRows(table(`a,b,y\n1,6,1\n1,"${cell}",1\n`), schema)).toMatchObject({
        ok: false,
        problems: [{ kind: 'not-a-number', line: 3, column: 'b', text: expect.stringContaining(cell) }],
      });
    },
  );

  it('refuses a label that is neither value, the empty one too', () => {
    const result = encodeRows(table('a,b,y\n1,6,2\n1,6,\n1,6,1\n'), schema);
    expect(result).toMatchObject({
      ok: false,
      problems: [
        { kind: 'unknown-label', line: 2, column: 'y' },
        { kind: 'unknown-label', line: 3, column: 'y' },
      ],
    });
  });

  it('tells twenty problems at most', () => {
    const result = encodeRows(table(`a,b,y\n${'x,x,x\n'.repeat(50)}`), schema);
    expect(result.ok ? 0 : result.problems.length).toBe(20);
  });

  it('refuses a table without rows and a schema that is unsound', () => {
    expect(encodeRows({ header: ['a', 'b', 'y'], rows: [] }, schema)).toMatchObject({
      problems: [{ kind: 'no-rows' }],
    });
    expect(encodeRows(table('a,b,y\n1,6,1\n'), { ...schema, features: [] })).toMatchObject({
      problems: [{ kind: 'bad-schema' }],
    });
  });

  it('reads Pima: 268 of 768 positive, the known zeros missing, everything inside its bounds', () => {
    const text = read('pima.csv');
    expect(bytesToHex(sha256(Buffer.from(text)))).toBe(
      'f1ffeeb32c6b13e1f90e048fbd7923a7fbdf348d5a81665b6a6594e57170f86e',
    );
    const pima = readSchema(JSON.parse(read('pima.schema.json')));
    if (!pima.ok) throw new Error(pima.reason);
    const result = encodeRows(table(text), pima.schema);
    if (!result.ok) throw new Error(result.problems[0]!.text);
    expect(result.rows).toBe(768);
    expect(result.y.reduce((sum, value) => sum + value, 0)).toBe(268);
    const raw = table(text);
    const zeros = ['glucose', 'blood_pressure', 'skin_thickness', 'insulin', 'bmi'].map((name) => {
      const column = raw.header.indexOf(name);
      const rows = raw.rows.flatMap((row, index) => (Number(row[column]) === 0 ? [index] : []));
      expect(rows.every((index) => result.x[index * 8 + column] === 0)).toBe(true);
      return rows.length;
    });
    expect(zeros).toEqual([5, 35, 227, 374, 11]);
  });
});

describe('deriveSchema', () => {
  const source = 'computed from the training rows: right for public data only';
  const derived = (feature: Omit<Parameters<typeof numberFeature>[0], 'source'>) =>
    numberFeature({ ...feature, source });

  it('takes mean, standard deviation and bounds from the rows; empty cells do not count', () => {
    const result = deriveSchema(table('a,y,k,e\n1,no,7,\n3,yes,7,\n,no,7,\n'), 'y');
    expect(result).toEqual({
      ok: true,
      schema: {
        label: { name: 'y', classes: ['no', 'yes'], weights16: [] },
        subject: null,
        site: null,
        features: [
          derived({ name: 'a', centerMicro: 2e6, scaleMicro: 1e6, minMicro: 1e6, maxMicro: 3e6 }),
          derived({ name: 'k', centerMicro: 7e6, scaleMicro: 1e6, minMicro: 6e6, maxMicro: 8e6 }),
          derived({ name: 'e', centerMicro: 0, scaleMicro: 1e6, minMicro: -1e6, maxMicro: 1e6 }),
        ],
      },
    });
  });

  it('orders numeric labels by value', () => {
    const result = deriveSchema(table('a,y\n1,10\n2,9\n3,10.0\n'), 'y');
    expect(result).toMatchObject({ schema: { label: { classes: ['9', '10'] } } });
  });

  it.each<[string, string, string]>([
    ['a,y\n1,0\n', 'y', 'label-values'],
    ['a,y\n1,0\n1,1\n1,2\n', 'y', 'label-values'],
    ['a,y\n1,0\n1,\n', 'y', 'label-values'],
    ['a,y\n1,0\n1,1\n', 'z', 'missing-column'],
    ['a,y\nred,0\n1,1\n', 'y', 'not-a-number'],
    ['a,y\n0.00001,0\n0.00002,1\n', 'y', 'out-of-range'],
    ['a,y\n1e12,0\n2e12,1\n', 'y', 'bad-schema'],
    ['y\n0\n1\n', 'y', 'bad-schema'],
  ])('refuses %j by %s', (text, label, kind) => {
    expect(deriveSchema(table(text), label)).toMatchObject({ ok: false, problem: { kind } });
  });

  it('gives WDBC columns of mean 0 and standard deviation 1', () => {
    const wdbc = table(read('wdbc.csv'));
    const derived = deriveSchema(wdbc, 'malignant');
    if (!derived.ok) throw new Error(derived.problem.text);
    const result = encodeRows(wdbc, derived.schema);
    if (!result.ok) throw new Error(result.problems[0]!.text);
    expect(derived.schema.features).toHaveLength(30);
    for (let column = 0; column < 30; column++) {
      const values = Array.from({ length: 569 }, (_, row) => result.x[row * 30 + column]!);
      const mean = values.reduce((sum, value) => sum + value, 0) / 569;
      const variance = values.reduce((sum, value) => sum + value ** 2, 0) / 569;
      expect(Math.abs(mean)).toBeLessThan(0.001);
      expect(Math.abs(variance - 1)).toBeLessThan(0.001);
    }
  });
});

describe('flipLabels', () => {
  it('turns every label round and leaves the given ones alone', () => {
    const y = Float32Array.from([0, 1, 1]);
    expect(flipLabels(y)).toEqual(Float32Array.from([1, 0, 0]));
    expect(y).toEqual(Float32Array.from([0, 1, 1]));
    expect(flipLabels(Float32Array.from([0, 1, 2]), 3)).toEqual(Float32Array.from([2, 1, 0]));
  });
});
