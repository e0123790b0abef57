import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  decode,
  decodeStateProof,
  nonceCell,
  StateVersions,
  uint,
  verifyStateProof,
} from '../../../../chain/index.js';
import { bytesToHex, hexToBytes } from '../../../../crypto/index.js';
import { base64ToBytes, type ResultOf } from '../../../../node/rpc/index.js';
import { stateProof } from '../../../../node/rpc/methods/stateProof.js';
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
function shown({ key, height, value, proof }: ResultOf<'state.proof'>): Uint8Array | null {
  const claim = {
    root: test.context.store.block(height)!.block.header.stateRoot,
    key,
    value: value === null ? null : base64ToBytes(value)!,
    proof: decodeStateProof(base64ToBytes(proof)!),
  };
  expect(verifyStateProof(claim)).toBe(true);
  return claim.value;
}

describe('state.proof', () => {
  it('proves values at each height against the header of that height', async () => {
    for (const [i, height] of heights.entries()) {
      const answer = await test.client.call('state.proof', { key: nonceKey, height });
      expect(answer.height).toBe(height);
      const { stateRoot } = await test.client.call('chain.block', { height });
      expect(answer.stateRoot).toBe(stateRoot);
      expect(decode(uint, shown(answer)!, 9)).toBe(i + 1);
    }
  });

  it('answers for the head where no height is given', async () => {
    const answer = await test.client.call('state.proof', { key: nonceKey });
    expect(answer.height).toBe(test.context.store.versions.held.last);
    expect(decode(uint, shown(answer)!, 9)).toBe(3);
  });

  it('proves that a key has no value: one that never had, and one that did not yet', async () => {
    for (const params of [{ key: 'no/such/cell' }, { key: '' }, { key: nonceKey, height: heights[0]! - 1 }]) {
      const answer = await test.client.call('state.proof', params);
      expect(answer.value).toBeNull();
      if (answer.height > 0) expect(shown(answer)).toBeNull();
    }
  });

  it('says not-found above the head, and which heights are held', async () => {
    const { last } = test.context.store.versions.held;
    await expect(
      test.client.call('state.proof', { key: nonceKey, height: last + 1_000 }),
    ).rejects.toMatchObject({
      word: 'not-found',
      message: expect.stringContaining(`the head is at ${last}`),
    });
  });

  it('takes no key that is longer than any', async () => {
    await expect(test.client.call('state.proof', { key: 'x'.repeat(1_025) })).rejects.toMatchObject({
      word: 'invalid-params',
      path: 'key',
    });
  });
});

describe('state.proof after a restart', () => {
  it('says from which height on states are held', () => {
    const { versions } = test.context.store;
    const { last } = versions.held;
    const reopened = new StateVersions({ height: last, tree: versions.at(last)! });
    const context = { ...test.context, store: { ...test.context.store, versions: reopened } };
    const scope = { context, fromLoopback: true, waitsUntil: 0, signal: new AbortController().signal };
    expect(() => stateProof.run(scope, { key: nonceKey, height: last - 1 })).toThrow(
      expect.objectContaining({
        word: 'not-found',
        message: expect.stringContaining(`has heights ${last} to ${last}`),
      }),
    );
    expect(stateProof.run(scope, { key: nonceKey })).toMatchObject({ height: last });
  });
});
