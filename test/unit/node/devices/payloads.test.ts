import { describe, expect, it } from 'vitest';
import { payloadId } from '../../../../chain/index.js';
import { bytesToHex } from '../../../../crypto/index.js';
import { payloadsFrom } from '../../../../node/devices/payloads.js';
import { type Client, RpcError } from '../../../../node/rpc/index.js';

const bytes = Uint8Array.of(1, 2, 3);
const id = bytesToHex(payloadId(bytes));
const base64 = Buffer.from(bytes).toString('base64');

/** A node that answers each call when it is told to. */
function nodeWith(answer: () => { readonly bytes: string }) {
  const waiting: (() => void)[] = [];
  const call = () =>
    new Promise((resolve, reject) => {
      waiting.push(() => {
        try {
          resolve(answer());
        } catch (error) {
          reject(error as Error);
        }
      });
    });
  return { client: { call } as unknown as Client, waiting };
}

const absent = () => {
  throw new RpcError('not-found', 'there is no such payload');
};
const { signal } = new AbortController();

describe('payloads of hosted devices', () => {
  it('are fetched once for all who ask meanwhile, and anew later', async () => {
    const { client, waiting } = nodeWith(() => ({ bytes: base64 }));
    const fetch = payloadsFrom([client], signal);
    const [one, two] = [fetch(id), fetch(id)];
    expect(waiting).toHaveLength(1);
    waiting[0]!();
    expect(await one).toEqual(bytes);
    expect(await two).toBe(await one);
    const later = fetch(id);
    expect(waiting).toHaveLength(2);
    waiting[1]!();
    expect(await later).toEqual(bytes);
  });

  it('are not what a node says unless they have the name that was asked for, and a failure is not kept', async () => {
    const said = [Buffer.of(9).toString('base64'), base64];
    const { client, waiting } = nodeWith(() => ({ bytes: said.shift()! }));
    const other = nodeWith(absent);
    const fetch = payloadsFrom([client, other.client], signal);
    const bad = fetch(id);
    waiting[0]!();
    await expect(bad).rejects.toThrow('another payload');
    expect(other.waiting).toHaveLength(0);
    const good = fetch(id);
    waiting[1]!();
    expect(await good).toEqual(bytes);
  });

  it('come from the next node where one has none', async () => {
    const [none, has] = [nodeWith(absent), nodeWith(() => ({ bytes: base64 }))];
    const fetched = payloadsFrom([none.client, has.client], signal)(id);
    none.waiting[0]!();
    await expect.poll(() => has.waiting.length).toBe(1);
    has.waiting[0]!();
    expect(await fetched).toEqual(bytes);
    const nowhere = payloadsFrom([none.client], signal)(id);
    none.waiting[1]!();
    await expect(nowhere).rejects.toThrow('no such payload');
  });
});
