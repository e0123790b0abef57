import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSchema } from '../../../../fl/index.js';
import { readAreas } from '../../../../node/pmta/index.js';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'consilium-providers-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const read = readSchema({
  label: { name: 'ill', positive: '1', negative: '0' },
  site: 'ward',
  features: [{ name: 'age', center: 50, scale: 10, min: 0, max: 120, source: 'test' }],
});
if (!read.ok) throw new Error(read.reason);
const schema = { ...read.schema, site: 'ward' };

function areasOf(rows: readonly string[], providersMax?: number) {
  const file = join(dir, 'providers.csv');
  writeFileSync(file, `${['ward,who,age,ill', ...rows].join('\n')}\n`);
  const bound = providersMax === undefined ? {} : { providersMax };
  return readAreas({ file, schema, provider: 'who', ...bound });
}

describe('providers of a file', () => {
  it('are of the areas that their rows name, in that order, and have their rows’ mean', async () => {
    const areas = await areasOf(['south,a,60,1', 'north,b,50,0', 'south,a,80,0', 'south,c,50,1']);
    expect(areas.map(({ name, providers, points }) => [name, providers, [...points]])).toEqual([
      ['south', ['a', 'c'], [2, 0]],
      ['north', ['b'], [0]],
    ]);
  });

  it.each([
    [
      'a row without an area',
      ['north,a,60,1', ',b,50,0'],
      'unfit',
      'row 2 has no area: column ward is empty',
    ],
    ['a row without a provider', ['north,a,60,1', 'north,,50,0'], 'unfit', 'row 2 names no provider'],
    ['a provider in two areas', ['north,a,60,1', 'south,a,50,0'], 'unfit', 'areas north and south'],
  ] as const)('refuses %s', async (_, rows, code, text) => {
    await expect(areasOf(rows)).rejects.toMatchObject({ code, message: expect.stringContaining(text) });
  });

  it('refuses more of an area than are allowed, and takes as many', async () => {
    const rows = ['north,a,50,0', 'north,b,50,0', 'north,a,50,0', 'south,c,50,0'];
    await expect(areasOf(rows, 1)).rejects.toMatchObject({
      code: 'too-large',
      message: expect.stringContaining('area north has more than 1 providers'),
    });
    expect((await areasOf(rows, 2)).map(({ providers }) => providers.length)).toEqual([2, 1]);
  });
});
