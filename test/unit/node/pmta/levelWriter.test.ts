import { describe, expect, it } from 'vitest';
import { planLevels } from '../../../../node/pmta/index.js';
import type { Client } from '../../../../node/rpc/index.js';

/** A node that answers these methods, and fails the test for any other. */
function answering(answers: Readonly<Record<string, unknown>>): Client {
  const call = async (method: string) => {
    if (method in answers) return answers[method];
    throw new Error(`${method} was not to be called`);
  };
  return { call } as unknown as Client;
}
const secret = new Uint8Array(32).fill(7);
const wanted = [{ provider: 'p', level: 1 }];

describe('a plan of levels', () => {
  it('asks no further for a signer of no hospital', async () => {
    const planned = await planLevels(answering({ 'account.get': { hospital: '' } }), secret, wanted);
    expect(planned).toEqual({ ok: false, fault: { reason: 'no-hospital' } });
  });

  it('rests on no genesis that does not parse', async () => {
    const node = answering({ 'account.get': { hospital: 'north' }, 'chain.genesis': { genesis: '{}' } });
    await expect(planLevels(node, secret, wanted)).rejects.toThrow(/bad-answer: .*genesis does not parse/);
  });
});
