import { describe, expect, it } from 'vitest';
import { payloadId, signTransaction } from '../../../chain/index.js';
import { ledgerCell } from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { rhoCap, roundRho } from '../../../fl/index.js';
import { startChain } from '../../../genesis/index.js';
import { admitEnvelope, payloadFault } from '../../../node/admission.js';
import {
  createTestChain,
  dataset,
  startTask,
  type TestChain,
  taskSpec,
  updateBytes,
  updateCall,
} from '../../support/chain.js';
import { answerCall, opened, rho } from '../../support/evaluation.js';
import { type Person, testGenesis } from '../../support/genesis.js';

const { genesis, devices } = testGenesis(1, 1);
const { chainId, tip } = startChain(genesis);
const device = devices[0]!;

function withPayload(contract: string, method: string) {
  const payload = new Uint8Array([1, 2, 3]);
  const payloads = [{ id: payloadId(payload), size: payload.length }];
  const call = { chainId, level: 0, from: device.publicKey, nonce: 0, contract, method, args: {}, payloads };
  return admitEnvelope(signTransaction(call, device.secret), chainId, tip);
}

describe('admitEnvelope', () => {
  it('lets an update alone carry a payload, so that no other call costs every node a pull', () => {
    expect(withPayload('training', 'update')).toMatchObject({ ok: true });
    expect(withPayload('training', 'other')).toMatchObject({ ok: false, code: 'payload-mismatch' });
    expect(withPayload('privacy', 'declare')).toMatchObject({ ok: false, code: 'payload-mismatch' });
  });
});

describe('payloadFault', () => {
  it('keeps an update unpublished that would overdraw its ledger', () => {
    const rounds = createTestChain();
    startTask(rounds, taskSpec());
    const sender = rounds.devices[0]!;
    const bytes = updateBytes(rounds, sender, 1);
    const { transaction } = rounds.sign(updateCall(rounds, sender, 1, bytes));
    expect(payloadFault(transaction, [bytes], rounds.tip.state)).toBeNull();
    const spent = createTestChain({
      write: (state) => {
        const ids = [bytesToHex(sender.publicKey), bytesToHex(dataset)] as const;
        const ledger = ledgerCell.get(rounds.state, ...ids)!;
        ledgerCell.set(state, { ...ledger, rhoSpent: ledger.rhoCap }, ...ids);
      },
    });
    startTask(spent, taskSpec());
    const late = spent.sign(updateCall(spent, spent.devices[0]!, 1, bytes)).transaction;
    expect(payloadFault(late, [bytes], spent.tip.state)).toMatchObject({ code: 'refused' });
  });

  it('counts each of a round’s local steps', () => {
    const spec = taskSpec({ rounds: 2 });
    const twoSteps = { ...spec, rounds: 1, local: { ...spec.local, step: 'fedavg', steps: 2 } } as const;
    const [device] = testGenesis(4, 1).devices as [Person];
    const codeWith = (left: bigint) => {
      const test = createTestChain({
        write: (state) => {
          const { epsilonMicro, deltaPico } = spec.privacy;
          const ledger = { unit: 'record', epsilonMicro, deltaPico, order: null, charges: 1 } as const;
          const cap = rhoCap(epsilonMicro, deltaPico);
          const ids = [bytesToHex(device.publicKey), bytesToHex(dataset)] as const;
          ledgerCell.set(state, { ...ledger, rhoCap: cap, rhoSpent: cap - left }, ...ids);
        },
      });
      startTask(test, twoSteps);
      const bytes = updateBytes(test, test.devices[0]!, 1);
      const { transaction } = test.sign(updateCall(test, test.devices[0]!, 1, bytes));
      return payloadFault(transaction, [bytes], test.tip.state)?.code ?? null;
    };
    const rho = roundRho(spec.privacy.sigma16);
    expect([codeWith(2n * rho), codeWith(2n * rho - 1n)]).toEqual([null, 'refused']);
  });

  it('keeps an answer to an evaluation unpublished that would be refused or overdraw', () => {
    const codeOf = (test: TestChain, change: object = {}) => {
      const { transaction } = test.sign(answerCall(test.devices[0]!, change));
      return payloadFault(transaction, [], test.tip.state)?.code ?? null;
    };
    const test = opened();
    expect(codeOf(test)).toBeNull();
    expect(codeOf(test, { evaluation: 2 })).toBe('refused');
    expect(codeOf(test, { negatives: [0] })).toBe('refused');
    expect(codeOf(test, { negatives: ['none'] })).toBe('refused');
    const ids = [bytesToHex(test.devices[0]!.publicKey), bytesToHex(dataset)] as const;
    const ledger = ledgerCell.get(test.state, ...ids)!;
    // All but the round's charge, which the training takes, and one unit less than the answer's.
    const spent = ledger.rhoCap - roundRho(taskSpec().privacy.sigma16) - rho;
    const codeAt = (rhoSpent: bigint) =>
      codeOf(opened({}, { write: (state) => ledgerCell.set(state, { ...ledger, rhoSpent }, ...ids) }));
    expect([codeAt(spent), codeAt(spent + 1n)]).toEqual([null, 'refused']);
  });
});
