import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { bytesToHex, publicKeyOf, sealKeystore } from '../../../../crypto/index.js';
import { createClient } from '../../../../node/client/index.js';
import { readSigningKey } from '../../../../node/client/keystore.js';
import { describedMethods } from '../../../../node/client/table.js';
import { methods } from '../../../../node/rpc/methods/index.js';
import { createTestChain, playRound, startTask, taskSpec } from '../../../support/chain.js';
import type { Person } from '../../../support/genesis.js';
import { pimaTask } from '../../../support/processes.js';
import { type ServedNode, serveNode } from '../../../support/servedNode.js';

const taskFile = pimaTask({
  title: 'of a program',
  devices: 4,
  quorum: 3,
  faulty: 1,
  rounds: 2,
  deadlineMs: 10_000,
});

let node: ServedNode;
let publisher: Person;
beforeAll(async () => {
  const test = createTestChain();
  publisher = test.publisher;
  startTask(test, taskSpec());
  playRound(test);
  node = await serveNode(test);
}, 60_000);
afterAll(() => node?.close());

/** A node that says what it likes. */
async function liar(result: unknown) {
  const server = createServer((request, response) => {
    request.resume();
    response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result }));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, close: () => server.close().closeAllConnections() };
}

/** The real node, but for the methods that it answers otherwise. */
async function withAnswers(own: Readonly<Record<string, unknown>>) {
  const server = createServer(async (request, response) => {
    const { method, params } = JSON.parse(await text(request)) as { method: string; params: never };
    const result = method in own ? own[method] : await node.client.call(method as 'chain.status', params);
    response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, close: () => server.close().closeAllConnections() };
}

describe('the client of the package', () => {
  it('knows every method but the one that describes them', () => {
    expect(['rpc.discover', ...Object.keys(describedMethods)].sort()).toEqual(Object.keys(methods).sort());
  });

  it('gives what the client of the node itself gives', async () => {
    const client = createClient(node.url);
    const same = async (method: never, params: never) =>
      expect(await client.call(method, params)).toEqual(await node.client.call(method, params));
    const calls: readonly (readonly [string, object])[] = [
      ['chain.status', {}],
      ['chain.block', { height: 1 }],
      ['task.get', { task: 1 }],
      ['task.rounds', { task: 1 }],
      ['account.list', {}],
      ['validator.list', {}],
      ['proof.header', { height: 1 }],
    ];
    for (const [method, params] of calls) await same(method as never, params as never);
  });

  it('throws the node’s own errors, and unknown-method for what it does not know itself', async () => {
    const client = createClient(node.url);
    await expect(client.call('task.get', { task: 99 })).rejects.toMatchObject({
      word: 'not-found',
      code: 1100,
    });
    await expect(client.call('task.gets' as never, {} as never)).rejects.toMatchObject({
      word: 'unknown-method',
    });
    await expect(client.call('toString' as never, {} as never)).rejects.toMatchObject({
      word: 'unknown-method',
    });
  });

  it('takes no answer that is unlike its schema', async () => {
    const lying = await liar({ chainId: 'ab', name: 'x', height: -1 });
    await expect(createClient(lying.url).call('chain.status', {})).rejects.toMatchObject({
      word: 'bad-answer',
    });
    lying.close();
  });

  it('follows blocks from a place on, with every item checked', async () => {
    const heights: number[] = [];
    for await (const { at, next } of createClient(node.url).follow('blocks', {
      from: { height: 1, index: 0 },
    })) {
      expect(next).toEqual({ height: at.height, index: at.index + 1 });
      heights.push(at.height);
      if (heights.length === 2) break;
    }
    expect(heights).toEqual([1, 2]);
  });

  it('follows no item that is unlike its schema', async () => {
    const at = { height: 1, index: 0 };
    const item = (params: object) => JSON.stringify({ jsonrpc: '2.0', method: 'chain.item', params });
    const sent: string[] = [];
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    server.on('connection', (socket) =>
      socket.once('message', () => {
        socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, result: { subscription: 's', from: at } }));
        for (const text of sent) socket.send(text);
      }),
    );
    const { follow } = createClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    for (const lie of [item({ subscription: 's', at, next: at, item: { height: -1 } }), item({ at }), '{}']) {
      sent.splice(0, 1, lie);
      await expect(follow('blocks').next()).rejects.toMatchObject({ word: 'bad-answer' });
    }
    for (const socket of server.clients) socket.terminate();
    server.close();
  });

  it('signs by a secret of either form', async () => {
    const secret = new Uint8Array(32).fill(7);
    const publicKey = bytesToHex(publicKeyOf(secret));
    for (const given of [secret, bytesToHex(secret)])
      expect((await createClient(node.url).wallet(given)).publicKey).toBe(publicKey);
  });

  it('publishes a task only if the chain took it and said its number', async () => {
    const done = { status: 'committed', height: 9, index: 0, ok: true, code: null, detail: null };
    const published = { contract: 'tasks', kind: 'published', fields: { task: 7 } };
    const publish = async (committed: object) => {
      const lying = await withAnswers({ 'tx.submit': { hash: 'ab'.repeat(32) }, 'tx.get': committed });
      const wallet = await createClient(lying.url).wallet(publisher.secret);
      return wallet.publishTask(taskFile).finally(lying.close);
    };
    expect(await publish({ ...done, events: [published] })).toMatchObject({ task: 7, height: 9 });
    const refused = { ...done, ok: false, code: 'too-many-tasks', detail: 'there are 64', events: [] };
    await expect(publish(refused)).rejects.toMatchObject({
      word: 'refused',
      message: expect.stringContaining('too-many-tasks') as string,
    });
    await expect(publish({ ...done, events: [] })).rejects.toMatchObject({ word: 'bad-answer' });
    const wordy = { ...published, fields: { task: 'seven' } };
    await expect(publish({ ...done, events: [wordy] })).rejects.toMatchObject({ word: 'bad-answer' });
  });

  it.each([new Uint8Array(31), 'ab', `${'A'.repeat(64)}`, ''])('takes no secret like %j', async (secret) => {
    await expect(createClient(node.url).wallet(secret)).rejects.toThrow('a secret key is 32 bytes');
  });
});

describe('the signing key of a keystore', () => {
  const seal = (secrets: Record<string, Uint8Array>) =>
    sealKeystore({ password: 'p', salt: new Uint8Array(16), nonce: new Uint8Array(12), secrets });
  it('is read with the password alone', () => {
    const sign = new Uint8Array(32).fill(3);
    expect(readSigningKey(seal({ sign }), 'p')).toEqual(sign);
    expect(() => readSigningKey(seal({ sign }), 'q')).toThrow('wrong-password');
    expect(() => readSigningKey({}, 'p')).toThrow('not-a-keystore');
    expect(() => readSigningKey(seal({ vrf: sign }), 'p')).toThrow('no signing key');
  });
});
