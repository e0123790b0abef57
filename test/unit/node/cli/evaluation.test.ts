import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesToHex, concatBytes, sha256, utf8ToBytes } from '../../../../crypto/index.js';
import { histogramReport, measure, scoredRows } from '../../../../fl/index.js';
import { claimOf, faultsOf } from '../../../../node/cli/commands/evaluationClaim.js';
import { formatResult } from '../../../../node/cli/commands/evaluationResult.js';
import { commitTestSet, readSalt } from '../../../../node/cli/commands/testSet.js';
import { runProgram as run } from '../../../support/runProgram.js';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'consilium-evaluation-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function file(name: string, content: string): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
}

const salt = new Uint8Array(32).fill(3);
const own = claimOf(measure(scoredRows([-2, -1, 0.5, 1, 3], [0, 0, 1, 0, 1]), 0.9), 0.9);
const said = { ...own, height: 9, model: 'aa' };

describe('a test set', () => {
  it('is committed to by its bytes, its labels and a salt', async () => {
    const data = file('test.csv', 'a,y\n1,0\n');
    const labels = file('labels.idx', 'xyz');
    const bytes = utf8ToBytes('consilium/test-set/1');
    expect(await commitTestSet(salt, data, null)).toEqual(
      sha256(concatBytes(bytes, salt, utf8ToBytes('a,y\n1,0\n'))),
    );
    const both = await commitTestSet(salt, data, labels);
    expect(both).not.toEqual(await commitTestSet(salt, data, null));
    expect(await commitTestSet(new Uint8Array(32), data, labels)).not.toEqual(both);
  });

  it('has its salt in a file of 64 hex digits', () => {
    expect(readSalt(file('salt.txt', `${bytesToHex(salt)}\n`))).toEqual(salt);
    expect(() => readSalt(file('bad.txt', 'pepper'))).toThrow(/64 hex digits/);
  });
});

describe('a claim', () => {
  it('is what was measured, in whole millionths', () => {
    // Pairs: 5 of 6 in the right order.
    expect(own).toMatchObject({ rows: 5, positives: 2, specificityMicro: 900_000 });
    expect(own.measures).toMatchObject({ auroc: 833_333, accuracy: 800_000, sensitivity: 500_000 });
  });

  it('holds if all of it is found again, within a millionth', () => {
    expect(faultsOf({ said, own, model: 'aa' })).toEqual([]);
    const near = { ...said, measures: { ...said.measures, auroc: 833_334 } };
    expect(faultsOf({ said: near, own, model: 'aa' })).toEqual([]);
  });

  it.each<[object, RegExp]>([
    [{ model: 'bb' }, /model/],
    [{ rows: 6 }, /rows: 6 claimed, 5 found/],
    [{ positives: 1 }, /positives/],
    [{ measures: { ...own.measures, auroc: 833_335 } }, /auroc: 0.833335 claimed, 0.833333 found/],
    [{ measures: { ...own.measures, auprc: null } }, /auprc: none claimed/],
  ])('does not hold with %j', (change, text) => {
    const faults = faultsOf({ said: { ...said, ...change }, own, model: 'aa' });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(text);
  });
});

describe('a result', () => {
  it('says what it is of, what it cost, and where nothing is left to say', () => {
    const histogram = { negatives: [40, 10], positives: [10, 40] };
    const report = histogramReport(histogram, { answers: 2, sigma16: 65_536, specificity: 0.9 });
    const spec = { task: 3, round: 5, unit: 'record', bins: 2, sigma16: 65_536 } as const;
    const evaluation = { id: 7, status: 'closed', answered: [{}, {}], spec };
    const text = formatResult(evaluation as never, report, 0.9, 'ε = 1.00');
    expect(text).toContain('7, closed: the model of round 5 of task 3');
    expect(text).toContain('2 devices, about 100 held-out rows');
    expect(text).toMatch(/AUROC +0\.800 +0\.\d+ to 0\.\d+/);
    const drowned = histogramReport(histogram, { answers: 2, sigma16: 2 ** 30, specificity: 0.9 });
    expect(formatResult(evaluation as never, drowned, 0.9, '')).toMatch(/average precision\) +none/);
  });
});

describe('the command', () => {
  const task = ['evaluation', 'plan', 'task.json', '--network', 'nowhere'];
  it.each<[string[], string]>([
    [['evaluation', 'plan'], 'usage'],
    [[...task, '--held-out', '2'], 'usage'],
    [['evaluation', 'open', 'one'], 'usage'],
    [['evaluation', 'open', '1', '--bins', '1'], 'usage'],
    [['evaluation', 'claim', '1', '--data', 'x.csv'], 'usage'],
    [['evaluation', 'result', '1'], 'usage'],
    [task, 'bad-config'],
  ])('refuses %j as %s', async (args, exit) => {
    expect((await run(...args)).exit).toBe(exit);
  });

  it('has help with examples', async () => {
    expect((await run('evaluation', '--help')).out).toMatch(/Examples:\n {2}consilium evaluation plan/);
  });
});
