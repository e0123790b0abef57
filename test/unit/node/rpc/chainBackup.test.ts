import { expect, it } from 'vitest';
import type { RpcContext } from '../../../../node/rpc/index.js';
import { chainBackup } from '../../../../node/rpc/methods/chainBackup.js';
import { StoreError } from '../../../../node/store/index.js';

const hash = new Uint8Array(32).fill(3);

function asked(backup: () => Promise<{ height: number; hash: Uint8Array }>, fromLoopback: boolean) {
  const context = { store: { backup } } as unknown as RpcContext;
  const scope = { context, fromLoopback, waitsUntil: 0, signal: new AbortController().signal };
  return Promise.resolve(chainBackup.run(scope, {}));
}

it('says up to where the copy goes', async () => {
  expect(await asked(async () => ({ height: 7, hash }), true)).toEqual({ height: 7, hash: '03'.repeat(32) });
});

it('makes no copy for another machine', async () => {
  let copies = 0;
  const backup = async () => {
    copies += 1;
    return { height: 7, hash };
  };
  await expect(asked(backup, false)).rejects.toMatchObject({ word: 'not-allowed' });
  expect(copies).toBe(0);
});

it('tells what the store says when the disk refuses, and hides no bug', async () => {
  const full = new StoreError('write-failed', 'cannot make a copy: no space');
  await expect(asked(() => Promise.reject(full), true)).rejects.toMatchObject({
    word: 'busy',
    detail: 'cannot make a copy: no space',
  });
  const bug = new TypeError('a bug');
  await expect(asked(() => Promise.reject(bug), true)).rejects.toBe(bug);
});
