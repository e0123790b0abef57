import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  encodeReports,
  PIECES_MAX,
  parseReports,
  piecesOf,
  piecesOfTasks,
  type ReportedPiece,
  readReports,
} from '../../../../node/pmta/index.js';

const one: ReportedPiece = { area: 'north', window: 0, readers: ['a', 'b'], reported: ['b'] };
const other: ReportedPiece = { area: 'north', window: 1, readers: ['b', 'c'], reported: ['b', 'c'] };
const quiet: ReportedPiece = { area: 'north', window: 2, readers: ['c'], reported: [] };
const parsed = (text: string) => parseReports('reports.json', text).pieces;

describe('a file of leak reports', () => {
  it('is an array, or a piece a line, and says the same either way', () => {
    const array = new TextDecoder().decode(encodeReports([one, other, quiet]));
    const lines = [one, other, quiet].map((piece) => JSON.stringify(piece));
    expect(parsed(array)).toEqual([one, other, quiet]);
    expect(parsed(`\uFEFF${array}`)).toEqual([one, other, quiet]);
    expect(parsed(`${lines.join('\n\n')}\r\n`)).toEqual([one, other, quiet]);
  });

  it('has the hash of what stands in it', () => {
    const hash = (pieces: readonly ReportedPiece[]) =>
      parseReports('reports.json', new TextDecoder().decode(encodeReports(pieces))).hash;
    expect(hash([one])).toMatch(/^[0-9a-f]{64}$/);
    expect(hash([one, other])).not.toBe(hash([other, one]));
  });

  it.each([
    ['nothing', '', 'no piece'],
    ['an empty array', '[]', 'no piece'],
    ['half an array', '[{', 'not JSON'],
    ['a line that is no JSON', `${JSON.stringify(one)}\nnorth,0`, 'line 2 is not JSON'],
    ['a deep array', '['.repeat(1_000_000), 'not JSON'],
    ['a piece that is none', '[7]', 'piece 1'],
    ['a further field', JSON.stringify({ ...one, age: 63 }), 'line 1'],
    ['no area', JSON.stringify({ ...one, area: '' }), 'area'],
    ['a window below 0', JSON.stringify({ ...one, window: -1 }), 'window'],
    ['a window beyond the last', JSON.stringify({ ...one, window: 64 }), 'window'],
    ['half a window', JSON.stringify({ ...one, window: 0.5 }), 'window'],
    ['no reader', JSON.stringify({ ...one, readers: [] }), 'readers'],
    ['a reader twice', JSON.stringify({ ...one, readers: ['a', 'b', 'a'] }), 'reader stands there twice'],
    ['a report twice', JSON.stringify({ ...one, reported: ['b', 'b'] }), 'reported stands there twice'],
    ['a report of who read nothing', JSON.stringify({ ...one, reported: ['c'] }), 'no reader of it'],
    ['a name that is too long', JSON.stringify({ ...one, readers: ['x'.repeat(257)] }), 'readers'],
    [
      'too many readers',
      JSON.stringify({ ...one, readers: Array.from({ length: 257 }, (_, index) => `p${index}`) }),
      'readers',
    ],
  ])('is refused with %s', (_, text, said) => {
    expect(() => parsed(text)).toThrow(
      expect.objectContaining({ name: 'DataError', code: 'unfit', message: expect.stringContaining(said) }),
    );
  });

  it('is refused with too many pieces, too many bytes, or where there is none', () => {
    expect(() => parsed('7\n'.repeat(PIECES_MAX + 1))).toThrow(
      expect.objectContaining({ code: 'too-large' }),
    );
    const dir = mkdtempSync(join(tmpdir(), 'consilium-reports-'));
    const file = join(dir, 'reports.json');
    expect(() => readReports(file)).toThrow(expect.objectContaining({ code: 'missing-file' }));
    writeFileSync(file, ' '.repeat(32 * 1024 * 1024 + 1));
    expect(() => readReports(file)).toThrow(expect.objectContaining({ code: 'too-large' }));
    rmSync(dir, { recursive: true });
  });
});

describe('the reports of an area', () => {
  const reports = (...pieces: ReportedPiece[]) => ({ file: 'reports.json', hash: '', pieces });
  const area = { name: 'north', providers: ['c', 'a', 'b'] };

  it('name its providers by their place', () => {
    const elsewhere = { ...one, area: 'south', readers: ['z'], reported: ['z'] };
    expect(piecesOf(reports(one, elsewhere, other, quiet), area)).toEqual([
      { window: 0, readers: [1, 2], named: [2] },
      { window: 1, readers: [2, 0], named: [2, 0] },
      { window: 2, readers: [0], named: [] },
    ]);
  });

  it.each([
    [
      'no piece of it',
      [{ ...one, area: 'south' }],
      'nothing was read in area north: the reports are of south',
    ],
    ['a reader that it has not', [one, { ...other, readers: ['b', 'c', 'x', 'y'] }], 'area north: x, y'],
    ['reports in one window alone', [one, quiet, { ...other, window: 0 }], 'in 1 of its windows'],
    ['no report at all', [quiet, { ...quiet, window: 1 }], 'in 0 of its windows'],
  ])('are refused with %s', (_, pieces, said) => {
    expect(() => piecesOf(reports(...pieces), area)).toThrow(
      expect.objectContaining({ name: 'DataError', code: 'unfit', message: expect.stringContaining(said) }),
    );
  });
});

describe('the tasks of a chain as pieces', () => {
  const reader = (name: string, change: object = {}) => ({
    account: `account of ${name}`,
    name,
    hospital: 'hospital-1',
    area: 'icu',
    reported: false,
    ...change,
  });
  const task = (id: number, publishedHeight: number, ...readers: ReturnType<typeof reader>[]) => ({
    id,
    publishedHeight,
    readers,
  });
  const pieces = (tasks: ReturnType<typeof task>[], windows = 2, hospital: string | null = null) => {
    const found = piecesOfTasks(tasks, { hospital, windows });
    return found.ok ? found.pieces : found.fault;
  };

  it('are one in each area that has a reader; without an area the hospital is it', () => {
    const leaked = reader('b', { reported: true });
    const far = reader('b', { account: 'another', hospital: 'hospital-2', area: '' });
    expect(pieces([task(3, 7, reader('a'), far, leaked)])).toEqual([
      { area: 'icu', window: 0, readers: ['a', 'b'], reported: ['b'] },
      { area: 'hospital-2', window: 0, readers: ['b'], reported: [] },
    ]);
    expect(pieces([task(3, 7, reader('a'), far, leaked)], 2, 'hospital-2')).toEqual([
      { area: 'hospital-2', window: 0, readers: ['b'], reported: [] },
    ]);
  });

  it('are cut into windows of as many tasks, those of one block in one', () => {
    const windowsAt = (heights: number[], windows: number) => {
      const found = pieces(
        heights.map((height, index) => task(index + 1, height, reader('a'))),
        windows,
      );
      return (found as ReportedPiece[]).map(({ window }) => window);
    };
    expect(windowsAt([1, 2, 3, 4, 5, 6], 3)).toEqual([0, 0, 1, 1, 2, 2]);
    // Whatever lies between them.
    expect(windowsAt([1, 2, 3, 4_000, 5_000, 60_000], 3)).toEqual([0, 0, 1, 1, 2, 2]);
    expect(windowsAt([1, 2, 2, 2, 5, 6], 3)).toEqual([0, 0, 0, 0, 2, 2]);
    expect(windowsAt([1, 2], 6)).toEqual([0, 3]);
  });

  it('are refused without a reader, and where two accounts of an area have one name', () => {
    expect(pieces([])).toEqual({ reason: 'nothing-read' });
    expect(pieces([task(1, 1, reader('a'))], 2, 'hospital-3')).toEqual({ reason: 'nothing-read' });
    const same = reader('a', { account: 'another', hospital: 'hospital-2' });
    expect(pieces([task(1, 1, reader('a')), task(2, 2, same)])).toEqual({
      reason: 'same-name',
      area: 'icu',
      name: 'a',
    });
  });
});
