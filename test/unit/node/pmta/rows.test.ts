import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UNITS_MAX } from '../../../../contracts/index.js';
import { bytesToHex, utf8ToBytes } from '../../../../crypto/index.js';
import { parameterCount, schemaHash } from '../../../../fl/index.js';
import { readTaskFile, taskSpecOf } from '../../../../node/cli/taskFile.js';
import { readRows } from '../../../../node/data/index.js';
import {
  type AreaResult,
  areaRows,
  isFree,
  parseQNetwork,
  qModel,
  rowsCsv,
  rowsFault,
  rowsLabel,
  rowsSchema,
  rowsSchemaJson,
  rowsTask,
  writeFolder,
} from '../../../../node/pmta/index.js';
import { createRandom, featureNames, type ReadPiece } from '../../../../pmta/index.js';
import { tensorFile } from '../../../support/qNetwork.js';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'consilium-pmta-rows-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const at = (name: string) => join(dir, name);

const PROVIDERS = 30;
const WINDOWS = 4;
/** Of each level, level 1 first. */
const LEVELS = [5, 10, 15];

function areaOf(providers: number, levels: readonly number[]): AreaResult {
  return {
    area: 'north',
    clusters: [],
    levels: [...levels],
    betweenness: { pivots: 0, error: 0, standardError: 0 },
    deviation: null,
    synthetic: null,
    allocation: null,
    providers: Array.from({ length: providers }, (_, own) => ({
      name: `p${own}`,
      cluster: own % 2,
      influence: 0,
      level: 1,
    })),
  };
}

/** Two readers a piece; the last fifth of the providers is reported for every second that one of them reads. */
function piecesIn(windows: number, providers: number, each = 2 * providers): ReadPiece[] {
  const random = createRandom(utf8ToBytes('pieces'));
  return Array.from({ length: windows * each }, (_, index) => {
    const first = random.below(providers);
    const readers = [first, (first + 1 + random.below(providers - 1)) % providers];
    const named = readers.filter((one) => one >= 0.8 * providers && random.unit() < 0.5);
    return { window: Math.floor(index / each), readers, named };
  });
}

const area = areaOf(PROVIDERS, LEVELS);
const pieces = piecesIn(WINDOWS, PROVIDERS);
const first = { target: null, seed: 'rows' };
/** A network that says the same of everything: its last bias decides. */
const always = (bias: number, metadata: Record<string, string> = {}) =>
  parseQNetwork(
    'model.safetensors',
    tensorFile(new Float32Array(parameterCount(qModel)).with(-1, bias), metadata),
  );
const share = (y: Float32Array) => y.reduce((sum, own) => sum + own, 0) / y.length;
const column = (x: Float32Array, name: (typeof featureNames)[number]) =>
  x.filter((_, index) => index % featureNames.length === featureNames.indexOf(name));

describe('an area’s rows', () => {
  it('are an episode a window, with classes as large as the levels, the highest first', () => {
    const { x, y } = areaRows(area, pieces, first);
    expect([y.length, x.length]).toEqual([WINDOWS * PROVIDERS, WINDOWS * PROVIDERS * featureNames.length]);
    const classes = column(x, 'class');
    expect([0, 0.5, 1].map((own) => classes.filter((value) => value === own).length / WINDOWS)).toEqual(
      LEVELS.toReversed(),
    );
    expect(new Set(y)).toEqual(new Set([0, 1]));
  });

  it('are the same again, and others for another seed, area or target', () => {
    const one = areaRows(area, pieces, first);
    expect(areaRows(area, pieces, first)).toEqual(one);
    expect(areaRows(area, pieces, { ...first, seed: 'other' })).not.toEqual(one);
    expect(areaRows({ ...area, area: 'south' }, pieces, first)).not.toEqual(one);
    expect(areaRows(area, pieces, { ...first, target: always(0) })).not.toEqual(one);
  });

  it('are labelled by costs alone at first, and then also by what the target network says', () => {
    const many = piecesIn(40, PROVIDERS);
    const shares = [null, always(-30), always(30)].map((target) =>
      share(areaRows(area, many, { ...first, target }).y),
    );
    const [alone, nothing, all] = shares;
    // γ is ½: half the cost and half of 0 or of 1; but the last step of an episode has no next one.
    expect(alone).toBeGreaterThan(0.03);
    expect(nothing! / alone!).toBeGreaterThan(0.2);
    expect(nothing! / alone!).toBeLessThan(0.8);
    expect(Math.abs(all! - (nothing! + 0.5 * (29 / 30)))).toBeLessThan(0.06);
  });

  it('are as many as a device may have at most, drawn in their order', () => {
    const windows = 40;
    const large = areaOf(300, [150, 150]);
    const { x, y } = areaRows(large, piecesIn(windows, 300, 100), first);
    expect([y.length, x.length]).toEqual([UNITS_MAX, UNITS_MAX * featureNames.length]);
    // Each window's steps begin with an empty class, and go on with a fuller one.
    const [classes, filled] = [column(x, 'class'), column(x, 'filled')];
    let begun = 1;
    for (let row = 1; row < y.length; row++) {
      const isNext = classes[row]! > classes[row - 1]! || filled[row]! > filled[row - 1]!;
      if (!isNext) begun++;
      else if (classes[row] === classes[row - 1]) expect(filled[row]).toBeGreaterThan(filled[row - 1]!);
    }
    expect(begun).toBe(windows);
  });

  it('are read from their file as they were, by their schema', async () => {
    const rows = areaRows(area, pieces, first);
    writeFileSync(at('data.csv'), rowsCsv(rows, 'lost'));
    const read = await readRows(
      { file: at('data.csv'), labels: null, schema: rowsSchema('lost') },
      { rowsMax: UNITS_MAX, batchRows: 1, allow: [] },
    );
    expect([read.x, read.y]).toEqual([rows.x, rows.y]);
  });

  it('are refused where a device would refuse them', () => {
    const rows = areaRows(area, pieces, first);
    expect(rowsFault(rows, rowsSchema('lost'))).toBeNull();
    expect(rowsFault({ ...rows, y: rows.y.map(() => 0) }, rowsSchema('lost'))).toContain(
      'every row has the label',
    );
    const flat = areaRows(areaOf(PROVIDERS, [PROVIDERS]), pieces, first);
    expect(rowsFault(flat, rowsSchema('lost'))).toContain('class');
  });
});

describe('the label of rows', () => {
  it('names the target network, so that rows by another are of another schema', () => {
    const labels = [null, always(1), always(2)].map(rowsLabel);
    expect(labels[0]).toBe('lost');
    expect(new Set(labels.map((label) => bytesToHex(schemaHash(rowsSchema(label))))).size).toBe(3);
    // A hospital with other software has another file of the same model.
    expect(rowsLabel(always(1, { software: 'another' }))).toBe(labels[1]);
  });
});

describe('the task of rows', () => {
  it.each([null, always(1)])('can be published, with the model that a Q-network is', (target) => {
    const label = rowsLabel(target);
    const folder = at(`task ${label}`);
    writeFolder(folder, {
      'task.json': rowsTask(target, 7, 'ab'.repeat(32)),
      'schema.json': JSON.stringify(rowsSchemaJson(label)),
    });
    const spec = taskSpecOf(readTaskFile(join(folder, 'task.json')));
    expect(spec).toMatchObject({
      title: expect.stringContaining('7 areas'),
      model: qModel,
      schema: rowsSchema(label),
      publicData: true,
      devicesMax: 7,
      quorum: 5,
      privacy: { sigma16: 0 },
    });
    expect(bytesToHex(spec.weightsSeed)).toBe('ab'.repeat(32));
  });
});

describe('the folder of rows', () => {
  it('is written whole, into a new or an empty one', () => {
    mkdirSync(at('empty'));
    for (const name of ['new', 'empty']) {
      expect(isFree(at(name))).toBe(true);
      writeFolder(at(name), { 'a.txt': 'a', 'b.txt': 'b' });
      expect(readdirSync(at(name)).sort()).toEqual(['a.txt', 'b.txt']);
      expect(readFileSync(at(`${name}/b.txt`), 'utf8')).toBe('b');
      expect(isFree(at(name))).toBe(false);
    }
  });

  it('is not written at all over another, nor in part', () => {
    mkdirSync(at('mine'));
    writeFileSync(at('mine/kept.txt'), 'kept');
    writeFileSync(at('file'), 'kept');
    for (const name of ['mine', 'file']) {
      expect(isFree(at(name))).toBe(false);
      expect(() => writeFolder(at(name), { 'a.txt': 'a' })).toThrow();
    }
    expect(() => writeFolder(at('half'), { 'a.txt': 'a', 'no/b.txt': 'b' })).toThrow();
    expect(existsSync(at('half'))).toBe(false);
    expect(readdirSync(at('mine'))).toEqual(['kept.txt']);
    expect(readdirSync(dir).filter((name) => name.includes('.part-'))).toEqual([]);
  });
});
