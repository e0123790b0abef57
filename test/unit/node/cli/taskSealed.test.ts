import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sealKeystore } from '../../../../crypto/index.js';
import { runProgram as run } from '../../../support/runProgram.js';
import { startTestNode, type TestNode } from '../rpc/fixture.js';

const content = { title: 'Retinopathy in Ward 7', description: 'Patients of Dr. Okonkwo, seen in spring.' };
const PASSWORD = 'a password';

let dir: string;
let node: TestNode;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'consilium-sealed-cli-'));
  node = await startTestNode();
  const keystore = sealKeystore({
    password: PASSWORD,
    salt: new Uint8Array(16),
    nonce: new Uint8Array(12),
    secrets: { sign: node.publisher.secret },
  });
  writeFileSync(at('publisher.json'), JSON.stringify(keystore));
  writeFileSync(at('password'), PASSWORD);
  writeFileSync(at('content.json'), JSON.stringify(content));
  const schema: unknown = JSON.parse(
    readFileSync(new URL('../../../../datasets/pima.schema.json', import.meta.url), 'utf8'),
  );
  const task = {
    title: 'Retinopathy, in clear',
    model: { inputs: 8, layers: [{ kind: 'dense', units: 1, activation: 'linear' }] },
    weightsSeed: '00'.repeat(32),
    schema,
    learningRate: 1,
    rounds: 2,
    privacy: { epsilon: 3, delta: 1e-4 },
    faulty: 0,
    devices: 2,
    quorum: 2,
  };
  writeFileSync(at('task.json'), JSON.stringify(task));
}, 30_000);
afterAll(async () => {
  await node.close();
  rmSync(dir, { recursive: true, force: true });
});

const at = (name: string): string => join(dir, name);
const sealed = (...args: string[]) =>
  run(
    ...['task', 'publish', at('task.json'), '--node', node.server.url, '--keystore', at('publisher.json')],
    ...['--sealed', at('content.json'), '--json'],
    ...args,
  );
const open = (task: number, key: string) =>
  run('task', 'open', String(task), '--key', at(key), '--node', node.server.url, '--json');

async function readerKey(name: string): Promise<string> {
  const { exit, out } = await run('task', 'reader-key', at(name), '--json');
  expect(exit).toBe('ok');
  const { file, publicKey } = JSON.parse(out) as { file: string; publicKey: string };
  expect(file).toBe(at(name));
  expect(publicKey).toMatch(/^[0-9a-f]{64}$/);
  return publicKey;
}

describe('content sealed at the command line', () => {
  it('is opened by the publisher and by named readers, by nobody else, and by none after shredding', async () => {
    const reader = await readerKey('reader.json');
    await readerKey('stranger.json');
    const published = await sealed('--key', at('own.json'), '--reader', reader);
    expect(published).toMatchObject({ exit: 'ok', message: '' });
    const { task } = JSON.parse(published.out) as { task: number };
    for (const key of ['own.json', 'reader.json'])
      expect(JSON.parse((await open(task, key)).out)).toEqual(content);
    const stranger = await open(task, 'stranger.json');
    expect(stranger).toMatchObject({ exit: 'refused', out: '' });
    expect(stranger.message).toContain(`does not open the content of task ${task}`);
    // Neither the text nor the task file's own title stands anywhere on the chain.
    const { spec } = await node.client.call('task.get', { task });
    expect(spec.title).toBe('');

    const shredded = await run('task', 'shred', at('reader.json'));
    expect(shredded).toMatchObject({ exit: 'ok', out: expect.stringContaining('is destroyed') });
    expect(existsSync(at('reader.json'))).toBe(false);
    const late = await open(task, 'reader.json');
    expect(late).toMatchObject({ exit: 'bad-config', out: '' });
    expect(late.message).toContain('nobody can bring it back');
    expect(JSON.parse((await open(task, 'own.json')).out)).toEqual(content);
    expect((await run('task', 'shred', at('own.json'))).exit).toBe('ok');
    expect((await open(task, 'own.json')).exit).toBe('bad-config');
    expect((await open(task, 'stranger.json')).exit).toBe('refused');
  }, 60_000);

  it('is not published when a flag is missing, a key stands in the way, or a reader’s key is none', async () => {
    const before = (await node.client.call('task.list', {})).length;
    expect(await sealed()).toMatchObject({ exit: 'usage', message: expect.stringContaining('--key') });
    writeFileSync(at('taken.json'), 'mine');
    expect((await sealed('--key', at('taken.json'))).exit).toBe('bad-config');
    expect(readFileSync(at('taken.json'), 'utf8')).toBe('mine');
    expect((await sealed('--key', at('a.json'), '--reader', 'beef')).exit).toBe('usage');
    // A point of small order: whatever is sealed to it is open to all.
    const weak = await sealed('--key', at('b.json'), '--reader', '00'.repeat(32));
    expect(weak).toMatchObject({ exit: 'usage', message: expect.stringContaining('reader’s key') });
    const plain = ['task', 'publish', at('task.json'), '--node', node.server.url];
    expect((await run(...plain, '--key', at('c.json'))).exit).toBe('usage');
    writeFileSync(at('content.txt'), JSON.stringify({ title: 'no description' }));
    expect((await sealed('--key', at('d.json'), '--sealed', at('content.txt'))).exit).toBe('bad-config');
    for (const name of ['a.json', 'c.json', 'd.json']) expect(readdirSync(dir)).not.toContain(name);
    expect((await node.client.call('task.list', {})).length).toBe(before);
  }, 60_000);
});
