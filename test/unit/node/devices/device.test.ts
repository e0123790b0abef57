import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadDevice } from '../../../../node/devices/device.js';
import { newKeys, writeKeystore } from '../../../../node/provision/index.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'device-'));
  writeKeystore(folder, newKeys('other'));
}, 60_000);
beforeEach(() => rmSync(join(folder, 'ledger.json'), { force: true }));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, content: string | Uint8Array): void =>
  writeFileSync(join(folder, name), content);
const json = (name: string, value: unknown): void => write(name, JSON.stringify(value));

const number = { center: 0, scale: 1, min: -10, max: 10, source: 'a test' };
const label = { name: 'y', positive: '1', negative: '0' };

function device(change: Record<string, unknown> = {}): void {
  json('device.json', {
    version: 1,
    name: 'd',
    data: 'data.csv',
    schema: 'schema.json',
    attack: null,
    attackFromRound: 1,
    epsilonMicro: 0,
    deltaPico: 0,
    ...change,
  });
}

describe('a device’s data', () => {
  it('is read by its schema, with an id of the very bytes', async () => {
    json('schema.json', { label, features: [{ name: 'a', ...number }] });
    write('data.csv', 'a,y\n1,0\n2,1\n');
    device();
    const first = await loadDevice(folder);
    const { x, y } = first.attacker.recordsOf(1);
    expect([first.rows, [...x], [...y]]).toEqual([2, [1, 2], [0, 1]]);
    expect((await loadDevice(folder)).dataset).toEqual(first.dataset);
    rmSync(join(folder, 'ledger.json'), { force: true });
    write('data.csv', 'a,y\n1,0\n2,1\n\n');
    expect((await loadDevice(folder)).dataset).not.toEqual(first.dataset);
  });

  it('has each person’s rows side by side where the schema names a subject', async () => {
    json('schema.json', { label, features: [{ name: 'a', ...number }], subject: 'who' });
    write('data.csv', 'a,y,who\n1,0,p\n2,1,q\n3,1,p\n');
    device();
    const loaded = await loadDevice(folder);
    const { x, y } = loaded.attacker.recordsOf(1);
    expect([[...x], [...y], [...loaded.persons!]]).toEqual([
      [1, 3, 2],
      [0, 1, 1],
      [0, 0, 1],
    ]);
    rmSync(join(folder, 'ledger.json'), { force: true });
    json('schema.json', { label, features: [{ name: 'a', ...number }] });
    expect((await loadDevice(folder)).persons).toBeNull();
  });

  it.each<[string, string, string, RegExp]>([
    ['one class', 'a,y\n1,0\n2,0\n', 'one-class', /label "0"/],
    ['a constant column', 'a,y\n1,0\n1,1\n', 'constant-column', /column a says the same/],
  ])('is refused with %s, unless that is allowed', async (_, csv, fault, text) => {
    json('schema.json', { label, features: [{ name: 'a', ...number }] });
    write('data.csv', csv);
    device();
    await expect(loadDevice(folder)).rejects.toMatchObject({
      code: 'bad-data',
      message: expect.stringMatching(text),
    });
    device({ allow: [fault] });
    expect((await loadDevice(folder)).rows).toBe(2);
  });

  it('is refused beyond the rows that a device may enrol with; of any number of classes', async () => {
    json('schema.json', { label, features: [{ name: 'a', ...number }] });
    write('data.csv', `a,y\n${'1,0\n2,1\n'.repeat(5_001)}`);
    device();
    await expect(loadDevice(folder)).rejects.toMatchObject({
      message: expect.stringContaining('10000 rows'),
    });
    json('schema.json', {
      label: { name: 'y', classes: ['0', '1', '2'] },
      features: [{ name: 'a', ...number }],
    });
    write('data.csv', 'a,y\n1,0\n2,1\n3,2\n');
    const { attacker } = await loadDevice(folder);
    expect([...attacker.recordsOf(1).y]).toEqual([0, 1, 2]);
  });

  it('may be a pair of IDX files', async () => {
    json('schema.json', { label, features: [{ name: 'p', count: 2, ...number }] });
    write('x.idx', Buffer.from('00000802000000020000000201020304', 'hex'));
    write('y.idx', Buffer.from('00000801000000020001', 'hex'));
    device({ data: 'x.idx', labels: 'y.idx' });
    const loaded = await loadDevice(folder);
    const { x, y } = loaded.attacker.recordsOf(1);
    expect([[...x], [...y]]).toEqual([
      [1, 2, 3, 4],
      [0, 1],
    ]);
    rmSync(join(folder, 'ledger.json'), { force: true });
    write('y.idx', Buffer.from('00000801000000020100', 'hex'));
    expect((await loadDevice(folder)).dataset).not.toEqual(loaded.dataset);
  });
});
