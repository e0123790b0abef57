import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram as run } from '../../../support/runProgram.js';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'consilium-data-check-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function file(name: string, content: string): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
}

const datasets = new URL('../../../../datasets/', import.meta.url).pathname;
const pima = [join(datasets, 'pima.csv'), '--schema', join(datasets, 'pima.schema.json')];

describe('data check', () => {
  it('says what fits', async () => {
    const { exit, out } = await run('data', 'check', ...pima);
    expect(exit).toBe('ok');
    expect(out).toMatch(/rows +768, each becomes 8 numbers/);
    expect(out).toMatch(/outcome = 1 +268 \(34\.9 %\)/);
    expect(out).toMatch(/insulin +374 \(48\.7 %\)/);
    expect(out).toContain('It fits.');
  });

  it('says what does not, with kinds, columns and lines, and fails', async () => {
    const schema = join(datasets, 'pima.schema.json');
    const header = 'pregnancies,glucose,blood_pressure,skin_thickness,insulin,bmi,pedigree,age,outcome';
    const data = file('bad.csv', `${header}\n1,100,70,20,90,22,0.3,30,1\n1,NaN,71,21,91,23,0.4,31,1\n`);
    const { exit, out } = await run('data', 'check', data, '--schema', schema, '--batch', '16');
    expect(exit).toBe('check-failed');
    expect(out).toMatch(/not-finite in glucose, 1 time \(lines 3\)/);
    expect(out).toMatch(/constant-column in pregnancies/);
    expect(out).toMatch(/one-class in outcome/);
    expect(out).toMatch(/too-few-rows/);
    const told = await run('--json', 'data', 'check', data, '--schema', schema, '--allow', 'one-class');
    expect(told.exit).toBe('check-failed');
    const summary = JSON.parse(told.out);
    expect(
      summary.findings.map((each: { kind: string; allowed: boolean }) => [each.kind, each.allowed]),
    ).toEqual([
      ['not-finite', false],
      ['one-class', true],
      ['constant-column', false],
    ]);
  });

  it.each<[string, string[], string]>([
    ['no schema', [pima[0]!], 'usage'],
    ['two schemas', [...pima, '--task', '1', '--node', 'http://127.0.0.1:1'], 'usage'],
    ['a fault that nobody knows', [...pima, '--allow', 'anything'], 'usage'],
    ['no file', [join(tmpdir(), 'none.csv'), ...pima.slice(1)], 'bad-data'],
    ['a schema that is none', [pima[0]!, '--schema', pima[0]!], 'bad-config'],
  ])('refuses %s', async (_, args, exit) => {
    expect((await run('data', 'check', ...args)).exit).toBe(exit);
  });
});
