import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withoutComments } from '../../../../node/cli/commentedJson.js';
import { readStudy } from '../../../../node/cli/study/read.js';
import { readTaskFile, taskSpecOf } from '../../../../node/cli/taskFile.js';
import { runProgram as run } from '../../../support/runProgram.js';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'consilium-study-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const how = { keep: false, json: false };

describe('a file with comments', () => {
  it('is read as if they were blanks, and texts stay as they are', () => {
    const text = '{ // one\n "a": "http://x/*y*/", /* two\n lines */ "b": [1, 2,], "c": ",]", }';
    expect(JSON.parse(withoutComments(text))).toEqual({ a: 'http://x/*y*/', b: [1, 2], c: ',]' });
    expect(withoutComments(text).split('\n')).toHaveLength(3);
    expect(() => JSON.parse(withoutComments('{ "a": 1 / 2 }'))).toThrow(SyntaxError);
  });
});

describe('new', () => {
  it('writes a study that can be run and published as it is', async () => {
    const folder = join(dir, 'first');
    const { exit, out } = await run('new', folder, '--devices', '3');
    expect([exit, out]).toEqual(['ok', expect.stringContaining(`run ${folder}`)]);
    const spec = taskSpecOf(readTaskFile(join(folder, 'task.json')));
    expect(spec).toMatchObject({ devicesMax: 12, quorum: 8, rounds: 30, publicData: false });
    expect(spec.schema.features).toHaveLength(8);
    expect(readStudy(folder, how)).toMatchObject({
      validators: 4,
      devices: 3,
      epsilon: 3,
      dir: join(folder, 'runs', '1'),
    });
    expect(readFileSync(join(folder, 'task.json'), 'utf8')).toContain('// ');
  });

  it('takes a table of one’s own, and says that its schema came from the rows', async () => {
    const csv = join(dir, 'own.csv');
    writeFileSync(
      csv,
      `a,b,y\n${Array.from({ length: 60 }, (_, i) => `${i},${i % 7},${i % 2}`).join('\n')}\n`,
    );
    const folder = join(dir, 'own');
    const { out } = await run(
      'new',
      folder,
      '--data',
      csv,
      '--label',
      'y',
      '--validators',
      '1',
      '--devices',
      '2',
    );
    expect(out).toContain('public data only');
    const task = readTaskFile(join(folder, 'task.json')) as { publicData: boolean; privacy: unknown };
    expect([task.publicData, task.privacy]).toEqual([true, null]);
    expect(taskSpecOf(task).model.inputs).toBe(2);
  });

  it('writes over nothing, and leaves nothing of what it refuses', async () => {
    expect(await run('new', join(dir, 'first'))).toMatchObject({ exit: 'bad-folder' });
    const folder = join(dir, 'refused');
    expect(await run('new', folder, '--data', join(dir, 'none.csv'), '--label', 'y')).toMatchObject({
      exit: 'bad-data',
    });
    expect(existsSync(folder)).toBe(false);
  });
});

describe('run', () => {
  it('says what is missing or does not fit', async () => {
    expect(await run('run', dir)).toMatchObject({
      exit: 'bad-folder',
      message: expect.stringContaining('study.json'),
    });
    const folder = join(dir, 'odd');
    await run('new', folder);
    const file = join(folder, 'study.json');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace('"devices": 5', '"devices": 6'));
    expect(() => readStudy(folder, how)).toThrow(/the task is for 20/);
    writeFileSync(file, text.replace('"iid"', '"odd"'));
    expect(() => readStudy(folder, how)).toThrow(/partition/);
    writeFileSync(file, text.replace('"data.csv"', '7'));
    expect(() => readStudy(folder, how)).toThrow(/data/);
  });
});
