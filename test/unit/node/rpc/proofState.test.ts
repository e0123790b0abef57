import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENTRIES_MAX, STATE_ENTRY_BYTES_MAX, stateEntryCodec } from '../../../../audit/light/index.js';
import { decode, nonceCell, StateVersions, uint, verifyStateProof } from '../../../../chain/index.js';
import { bytesToHex, hexToBytes } from '../../../../crypto/index.js';
import { base64ToBytes, type ResultOf } from '../../../../node/rpc/index.js';
import { proofState } from '../../../../node/rpc/methods/proofState.js';
import { startTestNode, type TestNode, WAIT_MS } from './fixture.js';

let test: TestNode;
/** The key of a sender's nonce, and the heights at which it became 1, 2, 3. */
let nonceKey: string;
const heights: number[] = [];

beforeAll(async () => {
  test = await startTestNode();
  const device = test.devices[0]!;
  nonceKey = nonceCell.key(bytesToHex(device.publicKey));
  const wallet = test.wallet(device);
  for (let i = 0; i < 3; i += 1) {
    const hash = await wallet.send({ contract: 'nothing', method: 'at-all', args: {} });
    await wallet.wait(hash, WAIT_MS);
    heights.push(test.context.store.transaction(hexToBytes(hash))!.height);
  }
}, 60_000);

afterAll(async () => {
  await test.close();
  expect(test.bugs).toEqual([]);
});

/** What the answer shows to one who has the block's header and nothing else of the chain. */
function shown({ height, entries }: ResultOf<'proof.state'>, keys: readonly string[]) {
  const root = test.context.store.block(height)!.block.header.stateRoot;
  return entries.map((raw, i) => {
    const { key, value, proof } = decode(stateEntryCodec, base64ToBytes(raw)!, STATE_ENTRY_BYTES_MAX);
    expect(key).toBe(keys[i]);
    expect(verifyStateProof({ root, key, value, proof })).toBe(true);
    return value;
  });
}

describe('proof.state', () => {
  it('proves values at each height against the header of that height', async () => {
    for (const [i, height] of heights.entries()) {
      const keys = [nonceKey, 'params'];
      const answer = await test.client.call('proof.state', { keys, height });
      expect(answer.height).toBe(height);
      const [nonce, params] = shown(answer, keys);
      expect(decode(uint, nonce!, 9)).toBe(i + 1);
      expect(params).not.toBeNull();
    }
  });

  it('answers for the head where no height is given', async () => {
    const answer = await test.client.call('proof.state', { keys: [nonceKey] });
    expect(answer.height).toBe(test.context.store.versions.held.last);
    expect(decode(uint, shown(answer, [nonceKey])[0]!, 9)).toBe(3);
  });

  it('proves that keys have no value: some that never had, and one that did not yet', async () => {
    const never = ['no/such/cell', ''];
    expect(shown(await test.client.call('proof.state', { keys: never }), never)).toEqual([null, null]);
    const later = nonceCell.key(bytesToHex(test.devices[1]!.publicKey));
    const hash = await test
      .wallet(test.devices[1]!)
      .send({ contract: 'nothing', method: 'at-all', args: {} });
    await test.wallet(test.devices[1]!).wait(hash, WAIT_MS);
    const { height } = test.context.store.transaction(hexToBytes(hash))!;
    for (const at of [height - 1, height]) {
      const [value] = shown(await test.client.call('proof.state', { keys: [later], height: at }), [later]);
      expect(value === null).toBe(at < height);
    }
  });

  it('says not-found above the head, and which heights are held', async () => {
    const { last } = test.context.store.versions.held;
    await expect(
      test.client.call('proof.state', { keys: [nonceKey], height: last + 1_000 }),
    ).rejects.toMatchObject({
      word: 'not-found',
      message: expect.stringContaining(`the head is at ${last}`),
    });
  });

  it('says not-found of height 0, which has no header', async () => {
    await expect(test.client.call('proof.state', { keys: [nonceKey], height: 0 })).rejects.toMatchObject({
      word: 'not-found',
      message: expect.stringContaining('genesis'),
    });
  });

  it('takes no key that is longer than any, counted in bytes, nor too many keys', async () => {
    for (const key of ['x'.repeat(1_025), 'ä'.repeat(513)]) {
      await expect(test.client.call('proof.state', { keys: [nonceKey, key] })).rejects.toMatchObject({
        word: 'invalid-params',
        path: 'keys.1',
      });
    }
    const many = Array.from({ length: ENTRIES_MAX + 1 }, (_, i) => `key/${i}`);
    for (const keys of [[], many]) {
      await expect(test.client.call('proof.state', { keys })).rejects.toMatchObject({
        word: 'invalid-params',
        path: 'keys',
      });
    }
  });
});

describe('proof.state after a restart', () => {
  it('says from which height on states are held', () => {
    const { versions } = test.context.store;
    const { last } = versions.held;
    const reopened = new StateVersions({ height: last, tree: versions.at(last)! });
    const context = { ...test.context, store: { ...test.context.store, versions: reopened } };
    const scope = { context, fromLoopback: true, waitsUntil: 0, signal: new AbortController().signal };
    expect(() => proofState.run(scope, { keys: [nonceKey], height: last - 1 })).toThrow(
      expect.objectContaining({
        word: 'not-found',
        message: expect.stringContaining(`has heights ${last} to ${last}`),
      }),
    );
    expect(proofState.run(scope, { keys: [nonceKey] })).toMatchObject({ height: last });
  });
});
