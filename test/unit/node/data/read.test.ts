import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../../../crypto/index.js';
import {
  type DataSchema,
  encodeRows,
  numberFeature,
  parseTable,
  readSchema,
  wholeFaults,
} from '../../../../fl/index.js';
import { batchRowsOf } from '../../../../node/data/batch.js';
import { DataError, hashFiles, readBatches, readRows, summarise } from '../../../../node/data/index.js';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'consilium-data-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function write(name: string, content: string | Uint8Array): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
}

const datasets = new URL('../../../../datasets/', import.meta.url).pathname;
const pimaFile = join(datasets, 'pima.csv');

function pimaSchema(): DataSchema {
  const read = readSchema(JSON.parse(readFileSync(join(datasets, 'pima.schema.json'), 'utf8')));
  if (!read.ok) throw new Error(read.reason);
  return read.schema;
}

const a = { name: 'a', centerMicro: 0, scaleMicro: 1e6, minMicro: -1e9, maxMicro: 1e9, source: 'a test' };
const schema: DataSchema = {
  features: [numberFeature(a), numberFeature({ ...a, name: 'b', missing: ['-9'] })],
  label: { name: 'y', classes: ['0', '1'], weights16: [] },
  subject: null,
  site: null,
};
const all = { rowsMax: 100_000, batchRows: 1, allow: wholeFaults };

async function faultOf(reading: Promise<unknown>): Promise<DataError> {
  const error = await reading.then(
    () => new Error('nothing was wrong'),
    (reason: unknown) => reason,
  );
  if (error instanceof DataError) return error;
  throw error;
}

const idx = (dimensions: readonly number[], data: Uint8Array): Uint8Array => {
  const header = Buffer.alloc(4 + 4 * dimensions.length);
  header[2] = 8;
  header[3] = dimensions.length;
  for (const [index, length] of dimensions.entries()) header.writeUInt32BE(length, 4 + 4 * index);
  return Buffer.concat([header, data]);
};

const pixels: DataSchema = {
  ...schema,
  features: [numberFeature({ ...a, name: 'p', count: 4, scaleMicro: 255e6 })],
};

describe('readRows', () => {
  it('gives the same numbers as reading the whole table at once, from .csv and .csv.gz', async () => {
    const table = parseTable(readFileSync(pimaFile, 'utf8'));
    if (!table.ok) throw new Error(table.text);
    const whole = encodeRows(table, pimaSchema());
    if (!whole.ok) throw new Error('refused');
    const packed = write('pima.csv.gz', gzipSync(readFileSync(pimaFile)));
    for (const file of [pimaFile, packed]) {
      const rows = await readRows({ file, schema: pimaSchema() }, all);
      expect([rows.rows, rows.x, rows.y]).toEqual([768, whole.x, whole.y]);
    }
  });

  it('keeps batches whole across their borders, and passes on the columns asked for', async () => {
    const count = 3 * batchRowsOf(schema) + 1;
    const lines = Array.from({ length: count }, (_, row) => `${row % 1_000},c${row},${row % 2},1`);
    const file = write('long.csv', `a,extra,y,b\n${lines.join('\n')}\n`);
    const rows = await readRows({ file, schema }, { ...all, keep: ['extra'] });
    expect(rows.rows).toBe(count);
    expect(rows.kept.map(([cell]) => cell)).toEqual(lines.map((_, row) => `c${row}`));
    for (const row of [0, 4_095, 4_096, count - 1]) {
      expect(rows.x[2 * row]).toBe(row % 1_000);
      expect(rows.y[row]).toBe(row % 2);
    }
    expect(await faultOf(readRows({ file, schema }, { ...all, rowsMax: count - 1 }))).toMatchObject({
      code: 'too-large',
    });
  });

  it.each<[string, string, DataError['code'], RegExp]>([
    ['an empty file', '', 'not-csv', /empty/],
    ['a line too short', 'a,b,y\n1,2,1\n1,2\n', 'not-csv', /line 3 has 2 cells/],
    ['a quote that never closes', 'a,b,y\n1,2,1\n1,"2,1\n', 'not-csv', /line/],
    ['a column twice', 'a,b,y,a\n1,2,1,1\n', 'not-csv', /twice/],
    ['no column b', 'a,y\n1,1\n', 'unfit', /no column b/],
    ['text for a number', 'a,b,y\n1,x,1\n2,3,0\n', 'unfit', /line 2, column b/],
    ['NaN', 'a,b,y\n1,NaN,1\n2,3,0\n', 'unfit', /no finite number/],
    ['no rows', 'a,b,y\n', 'unfit', /no rows/],
    ['one class', 'a,b,y\n1,3,1\n2,4,1\n', 'unfit', /label "1"/],
    ['a constant column', 'a,b,y\n1,3,1\n1,4,0\n', 'unfit', /column a says the same/],
    ['a column that is missing', 'a,b,y\n1,-9,1\n2,,0\n', 'unfit', /column b says the same/],
    ['fewer rows than a batch', 'a,b,y\n1,3,1\n2,4,0\n', 'unfit', /2 rows are fewer than the 3/],
  ])('refuses %s', async (name, text, code, message) => {
    const file = write(`${name}.csv`, text);
    const fault = await faultOf(
      readRows(
        { file, schema },
        { rowsMax: 10, batchRows: name === 'fewer rows than a batch' ? 3 : 1, allow: [] },
      ),
    );
    expect(fault).toMatchObject({ code, file, message: expect.stringMatching(message) });
  });

  it('lets pass by name what a device among others may lack', async () => {
    const file = write('poor.csv', 'a,b,y\n1,3,1\n');
    expect((await readRows({ file, schema }, { rowsMax: 10, batchRows: 5, allow: wholeFaults })).rows).toBe(
      1,
    );
    const fault = await faultOf(
      readRows({ file, schema }, { rowsMax: 10, batchRows: 5, allow: ['one-class'] }),
    );
    expect(fault.problems).toEqual([expect.stringContaining('1 rows are fewer')]);
  });

  it('says what is wrong with the file itself', async () => {
    const missing = join(dir, 'none.csv');
    expect(await faultOf(readRows({ file: missing, schema }, all))).toMatchObject({ code: 'unreadable' });
    expect(await faultOf(readRows({ file: dir, schema }, all))).toMatchObject({ code: 'unreadable' });
    const packed = gzipSync('a,b,y\n1,2,1\n'.repeat(1_000));
    const cut = write('cut.csv.gz', packed.subarray(0, packed.length - 9));
    expect(await faultOf(readRows({ file: cut, schema }, all))).toMatchObject({ code: 'unreadable' });
  });
});

describe('IDX files', () => {
  const images = idx(
    [3, 2, 2],
    Uint8Array.from({ length: 12 }, (_, index) => index * 20),
  );
  const labels = idx([3], Uint8Array.from([0, 1, 1]));

  it('reads images with labels, packed or not', async () => {
    const pairs = [
      [write('x.idx', images), write('y.idx', labels)],
      [write('x.idx.gz', gzipSync(images)), write('y.idx.gz', gzipSync(labels))],
    ] as const;
    for (const [file, own] of pairs) {
      const rows = await readRows({ file, labels: own, schema: pixels }, all);
      expect([...rows.y]).toEqual([0, 1, 1]);
      expect([...rows.x]).toEqual(Array.from({ length: 12 }, (_, index) => Math.fround((index * 20) / 255)));
    }
  });

  it.each<[string, Uint8Array, Uint8Array, RegExp]>([
    ['a byte too few', images.subarray(0, -1), labels, /cut short: 28 bytes/],
    ['a byte too many', Buffer.concat([images, Uint8Array.of(0)]), labels, /goes on after the 28/],
    ['labels too few', images, labels.subarray(0, -1), /cut short: 11 bytes/],
    ['labels too many', images, Buffer.concat([labels, Uint8Array.of(0)]), /goes on after the 11/],
    ['labels of other images', images, idx([2], Uint8Array.of(0, 1)), /3 rows and 2 labels/],
    ['a label without a class', images, idx([3], Uint8Array.of(0, 1, 9)), /row 3: the label 9/],
    ['no IDX at all', Buffer.from('a,b,y\n1,2,3\n'), labels, /begin/],
  ])('refuses %s', async (name, x, y, text) => {
    const where = { file: write(`${name}.x`, x), labels: write(`${name}.y`, y), schema: pixels };
    expect((await faultOf(readRows(where, all))).message).toMatch(text);
  });

  it('keeps its batches small however long a row is', () => {
    const wide = { ...pixels, features: [{ ...pixels.features[0]!, count: 65_536 }] };
    expect(batchRowsOf(wide)).toBe(16);
  });
});

describe('summarise', () => {
  it('counts what Pima holds', async () => {
    const summary = await summarise({ file: pimaFile, schema: pimaSchema() }, { batchRows: 64, allow: [] });
    expect(summary).toMatchObject({ fits: true, rows: 768, subjects: null, sites: null, findings: [] });
    expect(summary.classes).toEqual([
      { name: '0', rows: 500 },
      { name: '1', rows: 268 },
    ]);
    expect(Object.fromEntries(summary.features.map(({ name, missing }) => [name, missing]))).toMatchObject({
      glucose: 5,
      blood_pressure: 35,
      skin_thickness: 227,
      insulin: 374,
      bmi: 11,
      age: 0,
    });
  });

  it('tells kinds and columns apart, with the first lines of each', async () => {
    const rows = Array.from({ length: 30 }, (_, row) => (row % 2 === 0 ? 'x,1,0' : `${row},?,2`));
    const file = write('bad.csv', `a,b,y\n${rows.join('\n')}\n`);
    const { fits, findings } = await summarise({ file, schema }, { batchRows: 1, allow: [] });
    expect(fits).toBe(false);
    expect(findings.map(({ kind, column, count, lines }) => [kind, column, count, lines.length])).toEqual([
      ['not-a-number', 'a', 15, 10],
      ['not-a-number', 'b', 15, 10],
      ['unknown-label', 'y', 15, 10],
      ['one-class', 'y', 1, 0],
    ]);
    expect(findings[0]!.lines.slice(0, 3)).toEqual([2, 4, 6]);
  });

  it('counts persons and sites, and cells outside the bounds', async () => {
    const file = write('people.csv', 'who,where,a,b,y\nu,n,1,5,0\nu,s,2,6000,1\nv,s,3,-7000,1\n,s,4,1,0\n');
    const of = { ...schema, subject: 'who', site: 'where' };
    const summary = await summarise({ file, schema: of }, { batchRows: 1, allow: [] });
    expect(summary).toMatchObject({ fits: false, rows: 4 });
    expect(summary.sites).toEqual([
      { name: 'n', rows: 1 },
      { name: 's', rows: 3 },
    ]);
    expect(summary.features).toEqual([
      { name: 'a', missing: 0, clipped: 0 },
      { name: 'b', missing: 0, clipped: 2 },
    ]);
    expect(summary.findings).toMatchObject([{ kind: 'no-subject', column: 'who', lines: [5] }]);
  });
});

describe('readBatches', () => {
  it('stops reading when nobody wants more', async () => {
    const file = write('some.csv', `a,b,y\n${'1,2,1\n'.repeat(20_000)}`);
    let batches = 0;
    for await (const batch of readBatches({ file, schema, onProblem: () => {} })) {
      expect(batch.rows).toBe(4_096);
      if (++batches === 2) break;
    }
    expect(batches).toBe(2);
  });
});

describe('hashFiles', () => {
  it('is the hash of everything in a row', async () => {
    const files = [write('h1', 'abc'), write('h2', 'def')];
    expect(await hashFiles([Uint8Array.of(1), Uint8Array.of(2)], files)).toEqual(
      sha256(Uint8Array.of(1, 2), Buffer.from('abcdef')),
    );
    expect(await faultOf(hashFiles([], [join(dir, 'none')]))).toMatchObject({ code: 'unreadable' });
  });
});
