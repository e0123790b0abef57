import { describe, expect, it } from 'vitest';
import { nonceCell, readState } from '../../../chain/index.js';
import { allowance, eraStartCell, isBarred } from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { admitEnvelope } from '../../../node/admission.js';
import { Mempool } from '../../../node/mempool.js';
import { anchorCall, barOf, recoverCall, rotateCall, setLevelsCall } from '../../support/accounts.js';
import { createTestChain, publicTask, startTask, type TestChain, updateCall } from '../../support/chain.js';
import { type Person, person } from '../../support/genesis.js';

const ERA = 8;
const params = { eraHeights: ERA, rates: { perEra: 3, protocolPerHeight: 1 } };
const chainOf = () => createTestChain({ params });
/** So many calls of one sender in the next block: how many stand in it. */
const standing = (test: TestChain, from: Person, count: number) => {
  const signed = Array.from({ length: count }, (_, i) => test.sign(anchorCall(from, `${i}`), i));
  return test.adopt(test.build(signed)).block.transactions.length;
};
const toNextEra = (test: TestChain) => {
  const era = Math.floor(test.tip.height / ERA);
  while (Math.floor(test.tip.height / ERA) === era) test.block([]);
};

describe('an account’s rate', () => {
  it('bounds what stands in the blocks of an era, and starts anew with the next', () => {
    const test = chainOf();
    const [device, other] = test.devices as [Person, Person];
    expect(standing(test, device, 2)).toBe(2);
    expect(standing(test, device, 2)).toBe(1);
    expect(barOf(test, anchorCall(device))).toBe('rate-limited');
    expect(standing(test, other, 5)).toBe(3);
    toNextEra(test);
    // The block that began the era is empty; the next one is of the same era.
    expect(standing(test, device, 5)).toBe(3);
    expect(barOf(test, anchorCall(device))).toBe('rate-limited');
  });

  it('counts what contracts refuse: it took its place all the same', () => {
    const test = chainOf();
    const [device] = test.devices as [Person];
    const wrong = { from: device, contract: 'anchor', method: 'put', args: {} };
    for (let i = 0; i < 3; i += 1) expect(test.refusal(wrong)).toBe('malformed-args');
    expect(barOf(test, anchorCall(device))).toBe('rate-limited');
  });

  it('makes a block invalid that holds more', () => {
    const test = chainOf();
    const wide = createTestChain({ params: { ...params, rates: { perEra: 4, protocolPerHeight: 1 } } });
    const [device] = test.devices as [Person];
    const four = Array.from({ length: 4 }, (_, i) => test.sign(anchorCall(device, `${i}`), i));
    const block = test.build(four.slice(0, 3)).block;
    const forged = { ...block, transactions: four.map(({ transaction }) => transaction) };
    expect(test.judge(block)).toMatchObject({ ok: true });
    expect(test.judge(forged)).toMatchObject({ ok: false });
    expect(barOf(wide, anchorCall(device))).toBeNull();
  });

  it('leaves room for updates that a round waits for, and for evidence', () => {
    const test = chainOf();
    startTask(test, publicTask({ rounds: 9 }));
    const [device] = test.devices as [Person];
    while (barOf(test, anchorCall(device)) === null) standing(test, device, 1);
    expect(barOf(test, updateCall(test, device, 1))).toBeNull();
    const evidence = { from: device, contract: 'evidence', method: 'submit', args: {} };
    expect(barOf(test, evidence)).toBeNull();
    const other = { from: device, contract: 'training', method: 'other', args: {} };
    expect(barOf(test, other)).toBe('rate-limited');
    expect(allowance(test.state, evidence)).toBe(3 + ERA);
  });

  it('bounds these as well', () => {
    const test = chainOf();
    const [device] = test.devices as [Person];
    const id = bytesToHex(device.publicKey);
    const evidence = { from: device, contract: 'evidence', method: 'submit', args: {} };
    let sent = 0;
    for (let i = 0; i < 3 + ERA + 1; i += 1) {
      const built = test.build(Array.from({ length: 20 }, (_, n) => test.sign(evidence, n)));
      sent = built.block.transactions.length;
    }
    expect(sent).toBe(3 + ERA);
    expect(nonceCell.get(test.state, id)).toBeNull();
  });

  it('goes on under the next key', () => {
    for (const change of ['rotate', 'recover'] as const) {
      const test = chainOf();
      const [device] = test.devices as [Person];
      const [hospital] = test.validators as [Person];
      const next = person('next');
      expect(standing(test, device, 2)).toBe(2);
      test.block([
        change === 'rotate'
          ? rotateCall(test, device, next, 'hospital-1')
          : recoverCall(test, hospital, device.publicKey, next),
      ]);
      expect(standing(test, next, 5)).toBe(change === 'rotate' ? 0 : 1);
      toNextEra(test);
      expect(standing(test, next, 5)).toBe(3);
    }
  });

  it('that was not used is whole under the next key', () => {
    const test = chainOf();
    const [device] = test.devices as [Person];
    const next = person('next');
    standing(test, device, 3);
    toNextEra(test);
    test.block([recoverCall(test, test.validators[0]!, device.publicKey, next)]);
    expect(standing(test, next, 5)).toBe(3);
  });

  it('is written once an account and era', () => {
    const test = chainOf();
    const [device] = test.devices as [Person];
    const key = eraStartCell.key(bytesToHex(device.publicKey));
    standing(test, device, 1);
    const written = readState(test.tip.state).get(key);
    standing(test, device, 1);
    expect(test.blocks.at(-1)!.executed.changes.has(key)).toBe(false);
    expect(readState(test.tip.state).get(key)).toBe(written);
  });
});

describe('admission by a node', () => {
  it('keeps out what no block of this era could hold, by its nonce', () => {
    const test = chainOf();
    const [device] = test.devices as [Person];
    const codes = Array.from({ length: 5 }, (_, ahead) => {
      const { transaction } = test.sign(anchorCall(device), ahead);
      const admitted = admitEnvelope(transaction, test.chain.chainId, test.tip);
      return admitted.ok ? null : admitted.code;
    });
    expect(codes).toEqual([null, null, null, 'rate-limited', 'rate-limited']);
  });

  it('takes a device’s updates at the level of its task when its own has changed', () => {
    const test = createTestChain();
    startTask(test, publicTask());
    const [device] = test.devices as [Person];
    test.block([setLevelsCall(test.validators[0]!, { account: device.publicKey, level: 2 })]);
    const codeAt = (level: number) => {
      const { transaction } = test.sign({ ...updateCall(test, device, 1), level });
      const admitted = admitEnvelope(transaction, test.chain.chainId, test.tip);
      return admitted.ok ? null : admitted.code;
    };
    expect([codeAt(1), codeAt(2)]).toEqual([null, 'wrong-level']);
    expect(test.refusal(updateCall(test, device, 1))).toBeNull();
  });

  it('drops what waits when its sender is suspended or has another key, and keeps the others', () => {
    const test = createTestChain();
    const [first, second, third] = test.devices as [Person, Person, Person];
    const [a, b] = test.validators as [Person, Person];
    const mempool = new Mempool(isBarred);
    for (const from of [first, second, third]) {
      for (const ahead of [0, 1]) mempool.add(test.sign(anchorCall(from, `${ahead}`), ahead), test.state, 0);
    }
    const next = person('next');
    test.block([
      { from: a, contract: 'identity', method: 'suspend', args: { account: first.publicKey } },
      recoverCall(test, b, second.publicKey, next),
    ]);
    mempool.settle([], test.state);
    const left = mempool.oldest(9).map(({ sender }) => sender);
    expect(left).toEqual(Array(2).fill(bytesToHex(third.publicKey)));
    expect(mempool.hasCandidates(test.state)).toBe(true);
    expect(mempool.add(test.sign(anchorCall(next)), test.state, 0)).toBeNull();
  });

  it('keeps out who is suspended, and keys that were replaced', () => {
    const test = chainOf();
    const [device, other] = test.devices as [Person, Person];
    const [hospital] = test.validators as [Person];
    const codeOf = (from: Person) => {
      const admitted = admitEnvelope(test.sign(anchorCall(from)).transaction, test.chain.chainId, test.tip);
      return admitted.ok ? null : admitted.code;
    };
    const next = person('next');
    test.block([recoverCall(test, hospital, device.publicKey, next)]);
    expect([codeOf(device), codeOf(next), codeOf(other)]).toEqual(['unknown-sender', null, null]);
    test.block([
      { from: hospital, contract: 'identity', method: 'suspend', args: { account: next.publicKey } },
    ]);
    expect([codeOf(device), codeOf(next)]).toEqual(['unknown-sender', 'suspended']);
  });
});
