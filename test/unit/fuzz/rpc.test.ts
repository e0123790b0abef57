import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { methods } from '../../../node/rpc/methods/index.js';
import { type Described, type Material, nextMessage, waits } from '../../fuzz/rpc/calls.js';
import { faultOf } from '../../fuzz/rpc/judge.js';
import { fuzzRpc } from '../../fuzz/rpc/run.js';
import { Random } from '../../sim/random.js';

const document = methods['rpc.discover'].run({} as never, {}) as unknown as {
  readonly methods: readonly Described[];
};
const material: Material = {
  methods: document.methods,
  known: { hex: ['ab'.repeat(32)], base64: ['AAAA'], words: ['blocks'], height: 3 },
};

describe('the judge of answers', () => {
  const sent = Buffer.from('{"jsonrpc":"2.0","id":7,"method":"chain.status"}');
  const fault = (answer: unknown, status: number | null = 200) =>
    faultOf(sent, { status, text: typeof answer === 'string' ? answer : JSON.stringify(answer) }, new Map());
  const error = (code: number, word: string) => ({
    jsonrpc: '2.0',
    id: 7,
    error: { code, message: 'no', data: { code: word } },
  });

  it('takes a result, and an error of the table, under the id that was sent or none', () => {
    expect(fault({ jsonrpc: '2.0', id: 7, result: 1 })).toBeNull();
    expect(fault(error(-32602, 'invalid-params'))).toBeNull();
    expect(fault({ ...error(-32700, 'parse-error'), id: null }, 400)).toBeNull();
    expect(fault('', 204)).toBeNull();
  });

  it.each([
    ['HTTP 500', { jsonrpc: '2.0', id: 7, result: 1 }, 500],
    ['HTTP 502', '', 502],
    ['internal-error: no', error(-32603, 'internal-error'), 200],
    ['an error that is not in the table', error(-32603, 'busy'), 200],
    ['an error that is not in the table', error(1, 'nonsense'), 200],
    ['an answer with the id 8', { jsonrpc: '2.0', id: 8, result: 1 }, 200],
    ['neither result nor error', { jsonrpc: '2.0', id: 7 }, 200],
    ['neither result nor error', { ...error(-32602, 'invalid-params'), result: 1 }, 200],
    ['an answer without', { id: 7, result: 1 }, 200],
    ['not JSON', '<html>', 200],
    ['an empty list', [], 200],
  ])('finds %s', (expected, answer, status) => {
    expect(fault(answer, status)).toContain(expected);
  });
});

describe('the messages', () => {
  const first = (seed: number, count: number) => {
    const random = new Random(seed);
    return Array.from({ length: count }, () => nextMessage(material, random));
  };

  it('are the same for the same seed', () => {
    const texts = (seed: number) => first(seed, 300).map(({ bytes }) => bytes.toString('base64'));
    expect(texts(5)).toEqual(texts(5));
    expect(texts(5)).not.toEqual(texts(6));
  });

  it('reach every method, and are of every kind', () => {
    const messages = first(1, 4_000);
    const text = messages.map(({ bytes }) => bytes.toString()).join('\n');
    for (const { name } of material.methods)
      expect([name, text.includes(`"method":"${name}"`)]).toEqual([name, true]);
    expect(new Set(messages.map(({ kind }) => kind)).size).toBe(10);
  });

  it('that ask for a long wait are known as such', () => {
    expect(waits(Buffer.from('{"params":{"waitMs":30000}}'))).toBe(true);
    expect(waits(Buffer.from('{"params":{"waitMs":20}}'))).toBe(false);
  });
});

/** A server that breaks a rule must be found out: otherwise the run proves nothing. */
describe('the run', () => {
  let close = () => {};
  afterEach(() => close());
  const find = async (listener: RequestListener, probe = async () => {}) => {
    const server = createServer(listener).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    close = () => {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      server.close();
    };
    // Over WebSockets it does what it has to.
    const sockets = new WebSocketServer({ server });
    sockets.on('connection', (socket) =>
      socket
        .on('error', () => {})
        .on('message', (data) => {
          const id = /"id":"(marker \d+)"/.exec(String(data))?.[1];
          if (id !== undefined) socket.send(JSON.stringify({ jsonrpc: '2.0', id, result: {} }));
        }),
    );
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const options = { url, pid: process.pid, adminToken: null, material, calls: 600, seed: 3, probe };
    return (await fuzzRpc(options)).finding;
  };

  it('finds HTTP 500', async () => {
    expect(await find((_, response) => response.writeHead(500).end())).toMatchObject({ detail: 'HTTP 500' });
  });

  it('finds a connection that breaks', async () => {
    const finding = await find((request) => request.socket.destroy());
    expect(finding?.detail).toContain('broke');
  });

  it('finds an answer that is not what it was', async () => {
    const answers: RequestListener = (request, response) => {
      request.resume();
      response.writeHead(204).end();
    };
    const finding = await find(answers, async () => {
      throw new Error('another head');
    });
    expect(finding?.detail).toContain('another head');
  });
});
