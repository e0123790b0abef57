import { describe, expect, it } from 'vitest';
import { payloadId, signTransaction } from '../../../chain/index.js';
import { startChain } from '../../../genesis/index.js';
import { admitEnvelope } from '../../../node/admission.js';
import { testGenesis } from '../../support/genesis.js';

const { genesis, devices } = testGenesis(1, 1);
const { chainId, tip } = startChain(genesis);
const device = devices[0]!;

function withPayload(contract: string, method: string) {
  const payload = new Uint8Array([1, 2, 3]);
  const payloads = [{ id: payloadId(payload), size: payload.length }];
  const call = { chainId, level: 0, from: device.publicKey, nonce: 0, contract, method, args: {}, payloads };
  return admitEnvelope(signTransaction(call, device.secret), chainId, tip.state);
}

describe('admitEnvelope', () => {
  it('lets an update alone carry a payload, so that no other call costs every node a pull', () => {
    expect(withPayload('training', 'update')).toMatchObject({ ok: true });
    expect(withPayload('training', 'other')).toMatchObject({ ok: false, code: 'payload-mismatch' });
    expect(withPayload('privacy', 'declare')).toMatchObject({ ok: false, code: 'payload-mismatch' });
  });
});
