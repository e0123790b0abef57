import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { encodeRows, parseTable, readSchema, schemaJson, type Table } from '../../../../fl/index.js';
import { choosePoisoned, seedFor } from '../../../../node/provision/choose.js';
import { majorityAccuracy, prepareData } from '../../../../node/provision/data.js';
import { ProvisionError } from '../../../../node/provision/error.js';
import { formatTable } from '../../../../node/provision/files.js';

const read = (name: string): string =>
  readFileSync(new URL(`../../../../datasets/${name}`, import.meta.url), 'utf8');
const pima = read('pima.csv');
const pimaSchema: unknown = JSON.parse(read('pima.schema.json'));
const seed = seedFor('split', 'test');

function faultOf(make: () => unknown): ProvisionError {
  try {
    make();
  } catch (error) {
    if (error instanceof ProvisionError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('prepareData on Pima', () => {
  const data = prepareData({ csv: pima, schema: pimaSchema, label: 'outcome', seed, devices: 20 });

  it('splits 768 rows into 537 and 231 and deals evenly', () => {
    expect([data.train.rows, data.test.rows]).toEqual([537, 231]);
    const sizes = data.shards.map(({ rows }) => rows.length);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(537);
    expect(new Set(sizes)).toEqual(new Set([26, 27]));
  });

  it('gives every row to exactly one device or to the test part', () => {
    const dealt = [...data.shards, data.testTable].flatMap(({ rows }) => rows.map((row) => row.join()));
    const whole = parseTable(pima);
    expect(whole.ok && whole.rows.map((row) => row.join()).sort()).toEqual(dealt.sort());
  });

  it('hands out shards that encode to the central training part', () => {
    const rowsOf = (x: Float32Array, y: Float32Array): string[] =>
      [...y].map((label, row) => `${x.slice(8 * row, 8 * row + 8).join()}:${label}`);
    const encoded = data.shards.flatMap((shard) => {
      const part = encodeRows(shard, data.schema);
      if (!part.ok) throw new Error('does not encode');
      return rowsOf(part.x, part.y);
    });
    expect(encoded.sort()).toEqual(rowsOf(data.train.x, data.train.y).sort());
  });

  it('splits alike for one seed and otherwise for another', () => {
    const options = { csv: pima, schema: pimaSchema, label: null, devices: 20 };
    expect(prepareData({ ...options, seed }).shards).toEqual(data.shards);
    expect(prepareData({ ...options, seed: seedFor('split', 'other') }).shards).not.toEqual(data.shards);
  });

  it('knows the majority baseline', () => {
    const negatives = data.test.y.filter((label) => label === 0).length;
    expect(majorityAccuracy(data.train, data.test)).toBe(negatives / 231);
  });
});

describe('prepareData without a schema', () => {
  it('derives centre, scale and bounds from the training part alone', () => {
    const rows = Array.from({ length: 40 }, (_, index) => `${index},${index % 2}`);
    const options = { schema: null, label: 'y', seed, devices: 4 };
    const first = prepareData({ ...options, csv: `a,y\n${rows.join('\n')}\n` });
    expect(first.derived).toBe(true);
    // Change the test rows: the schema and the shards must not notice.
    const tested = new Set(first.testTable.rows.map(([cell]) => cell));
    const changed = rows.map((row) => (tested.has(row.split(',')[0]!) ? `900${row}` : row));
    const second = prepareData({ ...options, csv: `a,y\n${changed.join('\n')}\n` });
    expect(second.schema).toEqual(first.schema);
    expect(second.shards).toEqual(first.shards);
    expect(second.test.x).not.toEqual(first.test.x);
  });

  it('takes empty cells as missing', () => {
    const rows = Array.from({ length: 20 }, (_, index) => `${index % 3 === 0 ? '' : index},${index % 2}`);
    const data = prepareData({ csv: `a,y\n${rows.join('\n')}`, schema: null, label: 'y', seed, devices: 2 });
    expect(data.train.rows + data.test.rows).toBe(20);
  });
});

describe('bad data', () => {
  const rows = Array.from({ length: 30 }, (_, index) => `${index},${index % 2}`);
  const cases: [string, string, string | null, unknown, string, RegExp][] = [
    ['no rows', 'a,y\n', 'y', null, 'bad-data', /no rows/],
    ['an empty file', '', 'y', null, 'bad-data', /empty/],
    ['a missing label column', `a,y\n${rows.join('\n')}`, 'z', null, 'bad-data', /no column z/],
    [
      'text in a number column',
      `a,y\n${rows.join('\n')}\nhigh,1`,
      'y',
      null,
      'bad-data',
      /column a: "high" is not a number/,
    ],
    [
      'a label of three values',
      `a,y\n${rows.join('\n')}\n7,2\n8,2\n9,2`,
      'y',
      null,
      'bad-data',
      /two values|neither/,
    ],
    ['a ragged row', `a,y\n1,0,5\n${rows.join('\n')}`, 'y', null, 'bad-data', /line 2 has 3 cells/],
    ['fewer rows than devices', 'a,y\n1,0\n2,1\n3,0', 'y', null, 'bad-data', /too few for 4 devices/],
    ['neither label nor schema', `a,y\n${rows.join('\n')}`, null, null, 'bad-options', /--label/],
    ['a schema that is none', pima, null, { features: [] }, 'bad-schema', /label/],
    ['another label than the schema’s', pima, 'age', pimaSchema, 'bad-schema', /label column is age/],
    [
      'columns missing for the schema',
      `a,y\n${rows.join('\n')}`,
      null,
      pimaSchema,
      'bad-data',
      /no column pregnancies.*no column outcome/,
    ],
  ];
  it.each(cases)('refuses %s', (_, csv, label, schema, code, message) => {
    const fault = faultOf(() => prepareData({ csv, schema, label, seed, devices: 4 }));
    expect(fault.code).toBe(code);
    expect(fault.message).toMatch(message);
  });

  it('names the line of the file, not of the part', () => {
    const csv = `a,y\n${rows.join('\n')}\nhigh,1\n`;
    expect(faultOf(() => prepareData({ csv, schema: null, label: 'y', seed, devices: 4 })).message).toContain(
      'line 32',
    );
  });
});

describe('files', () => {
  it('writes tables that read back to the same cells', () => {
    const table: Table = {
      header: ['a', 'b "c"'],
      rows: [
        ['1', 'x, y'],
        ['', 'line\nbreak'],
        ['"', 'z'],
      ],
    };
    const parsed = parseTable(formatTable(table));
    expect(parsed.ok && { header: parsed.header, rows: parsed.rows }).toEqual(table);
  });

  it('writes schemas that read back to the same schema', () => {
    const known = readSchema(pimaSchema);
    if (!known.ok) throw new Error(known.reason);
    const again = readSchema(JSON.parse(JSON.stringify(schemaJson(known.schema))));
    expect(again).toEqual(known);
  });
});

describe('choosePoisoned', () => {
  it('takes round(share · n) different devices, the same for one seed', () => {
    const chosen = choosePoisoned(20, 0.3, seed);
    expect(chosen.length).toBe(6);
    expect(new Set(chosen).size).toBe(6);
    expect(chosen.every((index) => index >= 0 && index < 20)).toBe(true);
    expect(choosePoisoned(20, 0.3, seed)).toEqual(chosen);
    expect(choosePoisoned(20, 0.3, seedFor('poison', 'other'))).not.toEqual(chosen);
    expect(choosePoisoned(20, 0, seed)).toEqual([]);
    expect(choosePoisoned(3, 1, seed)).toEqual([0, 1, 2]);
  });
});
