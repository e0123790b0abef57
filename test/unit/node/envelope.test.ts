import { describe, expect, it } from 'vitest';
import { limits, payloadId, signTransaction, transactionId } from '../../../chain/index.js';
import { CARRIED_BYTES_MAX, openEnvelope, packEnvelope } from '../../../node/envelope.js';
import { person } from '../../support/genesis.js';

const sender = person('envelope');
const withPayloads = (payloads: readonly Uint8Array[]) =>
  signTransaction(
    {
      chainId: new Uint8Array(32),
      from: sender.publicKey,
      nonce: 0,
      contract: 'training',
      method: 'update',
      level: 1,
      args: {},
      payloads: payloads.map((payload) => ({ id: payloadId(payload), size: payload.length })),
    },
    sender.secret,
  );
const held =
  (payloads: readonly Uint8Array[]) =>
  (id: Uint8Array): Uint8Array | null =>
    payloads.find((payload) => Buffer.compare(payloadId(payload), id) === 0) ?? null;

describe('an envelope', () => {
  it.each([1, 12, CARRIED_BYTES_MAX])('carries a payload of %i bytes', (size) => {
    const payload = new Uint8Array(size).fill(7);
    const transaction = withPayloads([payload]);
    const opened = openEnvelope(packEnvelope(transaction, held([payload])));
    expect(transactionId(opened.transaction)).toBe(transactionId(transaction));
    expect(opened.payloads).toEqual([payload]);
  });

  it('carries none of those that are too much together, or that are not all held', () => {
    const large = new Uint8Array(CARRIED_BYTES_MAX + 1);
    const never = () => {
      throw new Error('asked for a payload that it must not carry');
    };
    expect(openEnvelope(packEnvelope(withPayloads([large]), never)).payloads).toEqual([]);
    const small = new Uint8Array(3);
    expect(openEnvelope(packEnvelope(withPayloads([small]), () => null)).payloads).toEqual([]);
  });

  it('is refused with too many parts, parts too large, cut short, or empty', () => {
    const payload = new Uint8Array(5);
    const whole = packEnvelope(withPayloads([payload]), held([payload]));
    const part = (bytes: number) =>
      Uint8Array.from([...new Uint8Array(new Uint32Array([bytes]).buffer).reverse()]);
    const extra = Buffer.concat([part(1), new Uint8Array(1)]);
    const many = Buffer.concat([
      whole,
      ...Array.from({ length: limits.payloadsPerTransactionMax }, () => extra),
    ]);
    const huge = Math.max(limits.transactionBytesMax, CARRIED_BYTES_MAX) + 1;
    for (const bad of [
      many,
      whole.subarray(0, -1),
      new Uint8Array(0),
      Buffer.concat([part(huge), new Uint8Array(huge)]),
    ]) {
      expect(() => openEnvelope(bad)).toThrow();
    }
  });
});
