import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { bytesToHex } from '../../../../crypto/index.js';
import {
  type Client,
  createClient,
  createWallet,
  type RpcContext,
  RpcError,
  type RpcServer,
  startRpcServer,
} from '../../../../node/rpc/index.js';
import { startTestNode, type TestNode, WAIT_MS } from './fixture.js';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function node(): Promise<TestNode> {
  const test = await startTestNode();
  closers.push(test.close);
  return test;
}

/** Any HTTP server at all. */
async function server(handle: (request: IncomingMessage, response: ServerResponse, nth: number) => void) {
  let nth = 0;
  const http = createServer((request, response) => {
    nth += 1;
    request.resume();
    handle(request, response, nth);
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  closers.push(async () => {
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, requests: () => nth };
}

/** Passes requests on to a node; `cut` says which answers get lost on the way back. */
async function lossy(target: RpcServer, cut: (nth: number) => boolean) {
  let nth = 0;
  const http = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      nth += 1;
      const mine = nth;
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(target.url, { method: 'POST', headers, body: Buffer.concat(chunks) });
      const text = await answer.text();
      if (cut(mine)) request.socket.destroy();
      else response.end(text);
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  closers.push(async () => {
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, requests: () => nth };
}

const answerOf = (result: unknown) => JSON.stringify({ jsonrpc: '2.0', id: 1, result });

describe('the client', () => {
  it('gives the node’s errors with number, word, place and message', async () => {
    const { client } = await node();
    const refused = client.call('chain.block', { height: -1 });
    await expect(refused).rejects.toBeInstanceOf(RpcError);
    await expect(refused).rejects.toMatchObject({ code: -32602, word: 'invalid-params', path: 'height' });
    await expect(client.call('chain.block', { height: 99 })).rejects.toMatchObject({
      code: 1100,
      path: null,
    });
  });

  it('says unreachable of a port where nobody listens, after a bounded number of attempts', async () => {
    const gone = await node();
    const { url } = gone.server;
    await gone.server.close();
    const call = createClient(url, { retries: 1 }).call('chain.status', {});
    await expect(call).rejects.toMatchObject({ word: 'unreachable', code: 1200 });
  });

  it('tries again when an answer is lost, and no more often than told', async () => {
    const { server: target, node: inside } = await node();
    const once = await lossy(target, (nth) => nth === 1);
    const { height } = await createClient(once.url).call('chain.status', {});
    expect([height, once.requests()]).toEqual([inside.tip.height, 2]);
    const always = await lossy(target, () => true);
    const call = createClient(always.url, { retries: 2 }).call('chain.status', {});
    await expect(call).rejects.toMatchObject({ word: 'unreachable' });
    expect(always.requests()).toBe(3);
  });

  it('tries again when the node is busy', async () => {
    const busy = { code: 1103, message: 'too many', data: { code: 'busy', advice: '' } };
    const shy = await server((_, response, nth) => {
      response.statusCode = nth === 1 ? 503 : 200;
      response.end(
        nth === 1 ? JSON.stringify({ jsonrpc: '2.0', id: null, error: busy }) : answerOf({ genesis: 'g' }),
      );
    });
    expect(await createClient(shy.url).call('chain.genesis', {})).toEqual({ genesis: 'g' });
  });

  it('hands in once what it sends twice because the answer was lost', async () => {
    const test = await node();
    const proxy = await lossy(test.server, (nth) => nth === 1);
    const wallet = test.wallet(test.devices[0]!);
    const { hash, submission } = wallet.sign({ contract: 'x', method: 'y', args: {} }, 0);
    expect(await createClient(proxy.url).call('tx.submit', submission)).toEqual({ hash });
    expect(proxy.requests()).toBe(2);
    expect(await test.client.waitFor(hash, WAIT_MS)).toMatchObject({ status: 'committed' });
  });

  it('says timed-out when no answer comes in time; what the caller lets it wait comes on top', async () => {
    const silent = await server(() => {});
    const client = createClient(silent.url, { timeoutMs: 50 });
    await expect(client.call('chain.status', {})).rejects.toMatchObject({ word: 'timed-out', code: 1201 });
    const begun = performance.now();
    const waiting = client.call('chain.status', { afterHeight: 1, waitMs: 200 });
    await expect(waiting).rejects.toMatchObject({ word: 'timed-out' });
    expect(performance.now() - begun).toBeGreaterThanOrEqual(245);
  });

  it('stops when its caller gives up, also between two attempts', async () => {
    const silent = await server(() => {});
    const stop = new AbortController();
    const call = createClient(silent.url, { signal: stop.signal }).call('chain.status', {});
    stop.abort();
    await expect(call).rejects.toMatchObject({ word: 'cancelled', code: 1203 });
    const refusing = await server((request) => {
      request.socket.destroy();
      between.abort();
    });
    const between = new AbortController();
    const again = createClient(refusing.url, { signal: between.signal, retries: 9 }).call('chain.status', {});
    await expect(again).rejects.toMatchObject({ word: 'cancelled' });
  });

  it('believes no answer that is unlike its schema', async () => {
    const answers: [string, string][] = [
      ['a page', '<html>'],
      ['nothing', ''],
      ['another form', '{"ok":true}'],
      ['another result', answerOf({ height: 'high' })],
      ['an unknown error', '{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}'],
      [
        'an unknown word',
        '{"jsonrpc":"2.0","id":1,"error":{"code":7,"message":"no","data":{"code":"toString"}}}',
      ],
    ];
    for (const [what, text] of answers) {
      const { url } = await server((_, response) => response.end(text));
      const call = createClient(url).call('chain.status', {});
      await expect(call, what).rejects.toMatchObject({ word: 'bad-answer', code: 1202 });
    }
  });

  it('reads no answer without end, and follows no redirection', async () => {
    const endless = await server((_, response) => {
      const more = () => {
        while (response.write(Buffer.alloc(1024 * 1024))) {}
      };
      response.on('drain', more);
      more();
    });
    const call = createClient(endless.url, { retries: 0 }).call('chain.status', {});
    await expect(call).rejects.toMatchObject({ word: 'bad-answer' });
    const elsewhere = await server((_, response) => response.writeHead(307, { location: endless.url }).end());
    const moved = createClient(elsewhere.url, { retries: 0 }).call('chain.status', {});
    await expect(moved).rejects.toMatchObject({ word: 'unreachable' });
  });

  it('keeps its connections', async () => {
    const ports = new Set<number>();
    const counting = await server((request, response) => {
      ports.add(request.socket.remotePort!);
      response.end(answerOf({ genesis: 'g' }));
    });
    const client = createClient(counting.url);
    for (let i = 0; i < 20; i += 1) await client.call('chain.genesis', {});
    // One may still be on its way back to the pool when the next call is made.
    expect(ports.size).toBeLessThanOrEqual(3);
  });

  it('says timed-out when no block holds a transaction in time', async () => {
    const { client } = await node();
    const waiting = client.waitFor('a'.repeat(64), 100);
    await expect(waiting).rejects.toMatchObject({ word: 'timed-out' });
  });
});

describe('the wallet', () => {
  const call = (method: string) => ({ contract: 'nothing', method, args: {} });

  /** Counts a client's calls. */
  function counted(client: Client) {
    const calls: string[] = [];
    const counting: Client = {
      ...client,
      call: (method, params, options) => {
        calls.push(method);
        return client.call(method, params, options);
      },
    };
    return { client: counting, calls };
  }

  it('asks for the nonce once and then counts, in the order of the calls', async () => {
    const test = await node();
    const { client, calls } = counted(test.client);
    const { chainId } = test.node.tip;
    const wallet = createWallet({ client, chainId, secret: test.devices[0]!.secret });
    const hashes = await Promise.all(['a', 'b', 'c'].map((method) => wallet.send(call(method))));
    for (const hash of hashes) await wallet.wait(hash, WAIT_MS);
    expect(calls.filter((method) => method === 'account.get')).toHaveLength(1);
    const nonces = await Promise.all(
      hashes.map(async (hash) => {
        const place = await test.client.call('tx.get', { hash });
        if (place.status !== 'committed') throw new Error('not committed');
        const block = await test.client.call('chain.block', { height: place.height });
        const { method, nonce } = block.transactions[place.index]!;
        return [method, nonce];
      }),
    );
    expect(nonces).toEqual([
      ['a', 0],
      ['b', 1],
      ['c', 2],
    ]);
  });

  it('asks again when another process has used its nonces', async () => {
    const test = await node();
    const [mine, other] = [test.wallet(test.devices[0]!), test.wallet(test.devices[0]!)];
    await mine.wait(await mine.send(call('first')), WAIT_MS);
    await other.wait(await other.send(call('second')), WAIT_MS);
    expect(await mine.wait(await mine.send(call('third')), WAIT_MS)).toMatchObject({ status: 'committed' });
    const publicKey = bytesToHex(mine.publicKey);
    expect(await test.client.call('account.get', { publicKey })).toMatchObject({ nonce: 3 });
  });

  it('takes the nonce behind the waiting transactions of an earlier process', async () => {
    const test = await node();
    const wallet = test.wallet(test.devices[0]!);
    // Waits for nonces 0 and 1, so that no block can move the account on meanwhile.
    const ahead = wallet.sign(call('ahead'), 2);
    await test.client.call('tx.submit', ahead.submission);
    const publicKey = bytesToHex(wallet.publicKey);
    expect(await test.client.call('account.get', { publicKey })).toMatchObject({ nonce: 0, nextNonce: 0 });
    const hashes = [await wallet.send(call('a')), await wallet.send(call('b')), await wallet.send(call('c'))];
    for (const hash of [...hashes, ahead.hash]) {
      expect(await wallet.wait(hash, WAIT_MS)).toMatchObject({ status: 'committed' });
    }
    expect(await test.client.call('account.get', { publicKey })).toMatchObject({ nonce: 4, nextNonce: 4 });
  });

  it('waits for a block when the node does not tell what waits', async () => {
    const test = await node();
    const { nextNonce: _, ...context } = test.context;
    const server = await startRpcServer({ context, port: 0 });
    closers.push(server.close);
    const { chainId } = test.node.tip;
    const wallet = createWallet({
      client: createClient(server.url),
      chainId,
      secret: test.devices[0]!.secret,
    });
    const before = wallet.sign(call('before'), 0);
    await test.client.call('tx.submit', before.submission);
    const hash = await wallet.send(call('after'));
    expect(await wallet.wait(hash, WAIT_MS)).toMatchObject({ status: 'committed' });
    expect(await test.client.waitFor(before.hash, WAIT_MS)).toMatchObject({ status: 'committed' });
  });

  it('keeps the nonce of a call that was refused, and gives up on a nonce that stays wrong', async () => {
    const test = await node();
    const wallet = test.wallet(test.devices[0]!);
    const update = { contract: 'training', method: 'update', level: 1, args: { task: 9, round: 1 } };
    const refused = wallet.send({ ...update, payloads: [Uint8Array.of(1)] });
    await expect(refused).rejects.toMatchObject({ word: 'refused' });
    await expect(wallet.send({ ...update, level: 2 })).rejects.toMatchObject({ word: 'wrong-level' });
    const hash = await wallet.send(call('next'));
    expect(await wallet.wait(hash, WAIT_MS)).toMatchObject({ status: 'committed' });

    const context: RpcContext = {
      ...test.context,
      submit: async () => ({ ok: false, code: 'wrong-nonce', detail: 'never right' }),
    };
    const server = await startRpcServer({ context, port: 0, limits: { waitMsMax: 10 } });
    closers.push(server.close);
    const { client, calls } = counted(createClient(server.url));
    const { chainId } = test.node.tip;
    const stuck = createWallet({ client, chainId, secret: test.devices[1]!.secret });
    await expect(stuck.send(call('never'))).rejects.toMatchObject({ word: 'wrong-nonce' });
    expect(calls.filter((method) => method === 'tx.submit')).toHaveLength(4);
  });

  it('sends no transaction twice when an answer is lost', async () => {
    const test = await node();
    const proxy = await lossy(test.server, (nth) => nth === 2);
    const { chainId } = test.node.tip;
    const wallet = createWallet({
      client: createClient(proxy.url),
      chainId,
      secret: test.devices[0]!.secret,
    });
    const hashes = [await wallet.send(call('a')), await wallet.send(call('b'))];
    for (const hash of hashes)
      expect(await wallet.wait(hash, WAIT_MS)).toMatchObject({ status: 'committed' });
    const publicKey = bytesToHex(wallet.publicKey);
    expect(await test.client.call('account.get', { publicKey })).toMatchObject({ nonce: 2 });
  });

  it('finds no account for a key that has none', async () => {
    const test = await node();
    const wallet = createWallet({
      client: test.client,
      chainId: test.node.tip.chainId,
      secret: new Uint8Array(32).fill(1),
    });
    await expect(wallet.send(call('a'))).rejects.toMatchObject({ word: 'not-found' });
  });
});
