import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import {
  type Item,
  RpcError,
  type RpcServer,
  rpcLimits,
  startRpcServer,
  subscribe,
} from '../../../../node/rpc/index.js';
import { startTestNode, type TestNode, WAIT_MS } from './fixture.js';

let test: TestNode;
/** The server that a test has started in place of the first one. */
let again: RpcServer | null = null;
beforeAll(async () => {
  test = await startTestNode({ limits: { socketsMax: 3, subscriptionsMax: 2, socketQueueMax: 4 } });
}, WAIT_MS);
afterAll(async () => {
  await again?.close();
  await test.close();
});

/** A socket of this test; what comes in is read one after another. */
async function open(headers: Record<string, string> = {}, path = '') {
  const socket = new WebSocket(`${test.server.url.replace('http', 'ws')}${path}`, { headers });
  const came: string[] = [];
  let wake = () => {};
  socket.on('message', (data) => {
    came.push(String(data));
    wake();
  });
  const closed = once(socket, 'close') as Promise<[number]>;
  closed.catch(() => {});
  await once(socket, 'open');
  const next = async (): Promise<Record<string, never>> => {
    while (came.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return JSON.parse(came.shift()!);
  };
  const ask = (method: string, params: object = {}) => {
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));
    return next();
  };
  const end = () => {
    socket.close();
    return closed;
  };
  return { socket, ask, next, closed, end };
}

let puts = 0;
/** One block more, with one event of its own: an anchor. Gives its height. */
async function makeBlock(): Promise<number> {
  puts += 1;
  const wallet = test.wallet(test.devices[0]!);
  const args = { digest: new Uint8Array(32).fill(puts), memo: 'a test' };
  const hash = await wallet.send({ contract: 'anchor', method: 'put', args });
  const { height, detail } = await wallet.wait(hash, WAIT_MS);
  expect(detail).toBe(null);
  return height;
}

const told = { contract: 'anchor', kind: 'anchored' };

describe('a WebSocket', () => {
  it('answers the same methods as HTTP, one after another', async () => {
    const { ask, end } = await open();
    const { result } = await ask('chain.status');
    expect(result).toEqual(await test.client.call('chain.status', {}));
    expect(await ask('chain.nonsense')).toMatchObject({ error: { data: { code: 'unknown-method' } } });
    await end();
  });

  it('is for this node’s own pages, at one path, and for so many', async () => {
    await expect(open({ origin: 'http://elsewhere.example' })).rejects.toThrow('403');
    await expect(open({}, '/other')).rejects.toThrow('404');
    const all = [await open(), await open(), await open()];
    await expect(open()).rejects.toThrow('503');
    await Promise.all(all.map(({ end }) => end()));
  });

  it('is closed for what is too large, no text, or too much at once', async () => {
    const large = await open();
    large.socket.send('x'.repeat(rpcLimits.socketMessageBytesMax + 1));
    expect((await large.closed)[0]).toBe(1009);
    const many = await open();
    const wait = { hash: '0'.repeat(64), waitMs: 5_000 };
    for (let i = 0; i < 6; i++)
      many.socket.send(JSON.stringify({ jsonrpc: '2.0', id: i, method: 'tx.get', params: wait }));
    expect((await many.closed)[0]).toBe(1008);
    const broken = await open();
    broken.socket.send('{');
    expect(await broken.next()).toMatchObject({ error: { data: { code: 'parse-error' } } });
    await broken.end();
    expect(test.bugs).toEqual([]);
  });

  it('tells what comes after the answer to the subscription, and from any place before', async () => {
    const first = await makeBlock();
    const { ask, next, end } = await open();
    const { result } = await ask('chain.subscribe', { topic: 'events', ...told });
    expect(result).toEqual({ subscription: '1', from: { height: first + 1, index: 0 } });
    const height = await makeBlock();
    const { params } = (await next()) as unknown as { params: Item<'events'> };
    expect(params).toMatchObject({ subscription: '1', at: { height }, item: told });
    // The same item again, by a subscription of its own from exactly there; then what comes behind it.
    await ask('chain.subscribe', { topic: 'events', ...told, from: params.at });
    expect((await next()) as unknown).toMatchObject({ params: { subscription: '2', at: params.at } });
    expect(await ask('chain.subscribe', { topic: 'blocks' })).toMatchObject({
      error: { data: { code: 'busy' } },
    });
    expect(await ask('chain.unsubscribe', { subscription: '1' })).toMatchObject({ result: { ended: true } });
    expect(await ask('chain.unsubscribe', { subscription: '1' })).toMatchObject({
      error: { data: { code: 'not-found' } },
    });
    await makeBlock();
    expect((await next()) as unknown).toMatchObject({ params: { subscription: '2' } });
    await end();
  });

  it('refuses a place that is not there yet, a filter that the topic lacks, and plain HTTP', async () => {
    const { ask, end } = await open();
    const { height } = await test.client.call('chain.status', {});
    const far = { topic: 'blocks', from: { height: height + 2 } };
    expect(await ask('chain.subscribe', far)).toMatchObject({ error: { data: { code: 'not-found' } } });
    const odd = { topic: 'blocks', task: 1 };
    expect(await ask('chain.subscribe', odd)).toMatchObject({ error: { data: { path: 'task' } } });
    await expect(test.client.call('chain.subscribe', { topic: 'blocks' })).rejects.toThrow('needs-socket');
    await end();
  });
});

describe('a subscriber', () => {
  async function collect(items: AsyncIterable<Item<'blocks'>>, until: number): Promise<number[]> {
    const heights: number[] = [];
    for await (const { item } of items) {
      heights.push(item.height);
      if (item.height >= until) break;
    }
    return heights;
  }
  const upTo = (height: number) => Array.from({ length: height }, (_, i) => i + 1);

  it('gets every block from the first on, and goes on where it was when its connection breaks', async () => {
    await makeBlock();
    const items = subscribe(test.server.url, 'blocks', { from: { height: 1, index: 0 } });
    const { value } = (await items.next()) as { value: Item<'blocks'> };
    expect(value.item.height).toBe(1);
    await test.server.close();
    again = await startRpcServer({ context: test.context, port: test.server.port });
    const last = await makeBlock();
    expect(await collect(items, last)).toEqual(upTo(last).slice(1));
  });

  it('that is slow loses nothing', async () => {
    const last = await makeBlock();
    const heights: number[] = [];
    for await (const { item } of subscribe(test.server.url, 'blocks', { from: { height: 1, index: 0 } })) {
      heights.push(item.height);
      await new Promise(setImmediate);
      if (item.height === last) break;
    }
    expect(heights).toEqual(upTo(last));
  });

  it('ends with its signal, and hears the node’s refusal', async () => {
    const ended = new AbortController();
    const items = subscribe(test.server.url, 'blocks', { signal: ended.signal });
    const waiting = items.next();
    ended.abort();
    expect((await waiting).done).toBe(true);
    const refused = subscribe(test.server.url, 'blocks', { from: { height: 1e9, index: 0 } }).next();
    await expect(refused).rejects.toMatchObject({ word: 'not-found' });
    const nobody = subscribe('http://127.0.0.1:1', 'blocks', { retries: 0 }).next();
    await expect(nobody).rejects.toMatchObject({ word: 'unreachable' });
    await expect(nobody).rejects.toBeInstanceOf(RpcError);
  });
});
