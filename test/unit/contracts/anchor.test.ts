import { describe, expect, it } from 'vitest';
import { anchoredCell, MEMO_BYTES_MAX } from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { type Call, createTestChain } from '../../support/chain.js';
import type { Person } from '../../support/genesis.js';

const digest = new Uint8Array(32).fill(9);
const other = new Uint8Array(32).fill(10);

function putCall(from: Person, change: object = {}): Call {
  return { from, contract: 'anchor', method: 'put', args: { digest, memo: 'consent form 4', ...change } };
}

describe('anchor.put', () => {
  it('fixes a digest at its height, for any account', () => {
    const test = createTestChain();
    for (const who of [test.publisher, test.validators[0]!, test.devices[0]!]) {
      const receipt = test.call(putCall(who));
      expect(receipt.events).toEqual([
        { contract: 'anchor', kind: 'anchored', fields: { account: who.publicKey, digest } },
      ]);
      expect(anchoredCell.get(test.state, bytesToHex(who.publicKey))).toEqual({
        digest,
        memo: 'consent form 4',
        height: test.tip.height,
        count: 1,
      });
    }
  });

  it('keeps one entry an account: the newest, and how many there were', () => {
    const test = createTestChain();
    const executed = test.block([
      putCall(test.publisher),
      putCall(test.publisher, { digest: other, memo: '' }),
      putCall(test.devices[0]!),
    ]).executed;
    const keys = [...executed.changes.keys()].filter((key) => key.startsWith('anchor/'));
    expect(keys.sort()).toEqual(
      [test.publisher, test.devices[0]!]
        .map(({ publicKey }) => anchoredCell.key(bytesToHex(publicKey)))
        .sort(),
    );
    expect(anchoredCell.get(test.state, bytesToHex(test.publisher.publicKey))).toEqual({
      digest: other,
      memo: '',
      height: 1,
      count: 2,
    });
    expect(anchoredCell.get(test.state, bytesToHex(test.devices[0]!.publicKey))?.count).toBe(1);
  });

  it('refuses what is no digest and a memo, and leaves the state alone', () => {
    const test = createTestChain();
    const longest = 'm'.repeat(MEMO_BYTES_MAX);
    for (const change of [
      { digest: new Uint8Array(31) },
      { digest: 'text' },
      { memo: `${longest}m` },
      { memo: 7 },
      { more: 1 },
    ]) {
      expect(test.refusal(putCall(test.publisher, change)), JSON.stringify(change)).toBe('malformed-args');
    }
    expect(anchoredCell.get(test.state, bytesToHex(test.publisher.publicKey))).toBeNull();
    expect(test.refusal(putCall(test.publisher, { memo: longest }))).toBeNull();
  });
});
