import { afterAll, beforeAll, expect, it } from 'vitest';
import { createClient } from '../../../../node/rpc/index.js';
import { startTestNode, type TestNode, WAIT_MS } from './fixture.js';

const TOKEN = 'ab'.repeat(32);
const cuts: (readonly string[])[] = [];
let test: TestNode;
beforeAll(async () => {
  test = await startTestNode({ adminToken: TOKEN });
  Object.assign(test.context, { cut: (keys: readonly string[]) => cuts.push(keys) });
}, WAIT_MS);
afterAll(() => test.close());

const validators = ['1'.repeat(64)];

it('cuts links for whoever has the token, and for nobody else', async () => {
  await expect(test.client.call('admin.cut', { validators })).rejects.toMatchObject({ word: 'not-admin' });
  const wrong = createClient(test.server.url, { adminToken: 'cd'.repeat(32) });
  await expect(wrong.call('admin.cut', { validators })).rejects.toMatchObject({ word: 'not-admin' });
  expect(cuts).toEqual([]);
  const admin = createClient(test.server.url, { adminToken: TOKEN });
  expect(await admin.call('admin.cut', { validators })).toEqual({ cut: validators });
  expect(cuts).toEqual([validators]);
});

it('has no administration without a token', async () => {
  const plain = await startTestNode();
  const client = createClient(plain.server.url, { adminToken: 'undefined' });
  await expect(client.call('admin.cut', { validators })).rejects.toMatchObject({ word: 'not-admin' });
  await plain.close();
});
