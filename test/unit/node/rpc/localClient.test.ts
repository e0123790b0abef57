import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLocalClient, type RpcError } from '../../../../node/rpc/index.js';
import { startTestNode, type TestNode } from './fixture.js';

const ZEROS = '00'.repeat(32);

let fixture: TestNode;
const bugs: string[] = [];
beforeAll(async () => {
  fixture = await startTestNode();
});
afterAll(() => fixture.close());

const local = () =>
  createLocalClient({
    url: fixture.server.url,
    context: fixture.context,
    onBug: (method, error) => void bugs.push(`${method}: ${String(error)}`),
  });

describe('a local client', () => {
  it('gets the answers and the refusals that one over HTTP gets', async () => {
    const over = fixture.client;
    expect(await local().call('chain.status', {})).toEqual(await over.call('chain.status', {}));
    const missing = { hash: ZEROS };
    expect(await local().call('tx.get', missing)).toEqual(await over.call('tx.get', missing));
    for (const call of [
      { method: 'task.get', params: { task: 77 } },
      { method: 'task.get', params: { task: -1 } },
      { method: 'tx.submit', params: { transaction: 'AAAA' } },
      // For callers on this machine alone, as both of these are.
      {
        method: 'enrolment.approve',
        params: { task: 77, device: ZEROS, units: 1, dataset: ZEROS, schemaHash: ZEROS },
      },
    ] as const) {
      const words = await Promise.all(
        [local(), over].map((client) =>
          client
            .call(call.method, call.params as never)
            .catch(({ word, detail }: RpcError) => [word, detail]),
        ),
      );
      expect(words[0]).toEqual(words[1]);
      expect(words[0]).toHaveLength(2);
    }
    expect(bugs).toEqual([]);
  });

  it('waits, and gives up with its signal', async () => {
    const stop = new AbortController();
    const { height } = await local().call('chain.status', {});
    const waiting = local().call(
      'chain.status',
      { afterHeight: height + 1_000, waitMs: 20_000 },
      { signal: stop.signal },
    );
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ word: 'cancelled' });
  });
});
