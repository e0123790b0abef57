import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { limits } from '../../../../chain/index.js';
import {
  bytesToBase64,
  type RpcContext,
  RpcServerError,
  rpcLimits,
  startRpcServer,
} from '../../../../node/rpc/index.js';
import { raw, rpc, startTestNode, type TestNode } from './fixture.js';

let test: TestNode | null = null;
afterEach(async () => {
  await test?.close();
  expect(test?.bugs ?? []).toEqual([]);
  test = null;
});

const status = rpc('chain.status', {});

/** Sends bytes over a bare socket; gives all that comes back until the other side closes. */
function talk(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
    socket.write(bytes);
  });
}

describe('size', () => {
  it('takes a body up to the limit, and answers a larger one with oversized', async () => {
    const bodyBytesMax = 1_000;
    test = await startTestNode({ limits: { bodyBytesMax } });
    const padded = (bytes: number) => status.padEnd(bytes, ' ');
    expect((await raw(test.server, padded(bodyBytesMax))).status).toBe(200);
    const answer = await raw(test.server, padded(bodyBytesMax + 1));
    expect([answer.status, answer.json?.error?.data.code]).toEqual([413, 'oversized']);
    expect(answer.json?.error?.code).toBe(1101);
    // Also without a length in front.
    const head =
      'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n';
    const chunk = `${(1_500).toString(16)}\r\n${' '.repeat(1_500)}\r\n0\r\n\r\n`;
    expect(await talk(test.server.port, head + chunk)).toMatch(/^HTTP\/1\.1 413 /);
    expect((await raw(test.server, status)).status).toBe(200);
  });

  it('hangs up on a body that goes on and on', async () => {
    test = await startTestNode({ limits: { bodyBytesMax: 1_000 } });
    const head =
      'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n';
    expect(await talk(test.server.port, head + ' '.repeat(50_000))).toBe('');
  });

  it('takes a payload of the largest size, and says why it does not fit', async () => {
    test = await startTestNode();
    const payload = bytesToBase64(new Uint8Array(limits.payloadBytesMax));
    const wallet = test.wallet(test.devices[0]!);
    const { submission } = wallet.sign({ contract: 'x', method: 'y', args: {} }, 0);
    const body = rpc('tx.submit', { ...submission, payloads: [payload] });
    expect(body.length).toBeLessThan(rpcLimits.bodyBytesMax);
    const answer = await raw(test.server, body);
    expect(answer.json?.error?.data.code).toBe('payload-mismatch');
    const larger = rpc('tx.submit', { ...submission, payloads: [`${payload}AAAA`] });
    expect((await raw(test.server, larger)).json?.error).toMatchObject({
      code: -32602,
      data: { path: 'payloads.0' },
    });
  });

  it('refuses millions of small values without building them', async () => {
    test = await startTestNode();
    const before = process.memoryUsage().heapUsed;
    const answer = await raw(test.server, `[${'[],'.repeat(10_000_000)}[]]`);
    expect(answer.json?.error?.data.code).toBe('oversized');
    // Ten million lists take more than 300 MB.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(150 * 1024 * 1024);
  });

  it('counts a text once, whatever is in it', async () => {
    test = await startTestNode({ limits: { tokensMax: 10 } });
    const brackets = '[{,:\\"\\\\\\"'.repeat(1_000);
    const tricky = `{"jsonrpc":"2.0","id":1,"method":"chain.status","params":{"x":"${brackets}\\\\"}}`;
    expect((await raw(test.server, tricky)).json?.error?.data.code).toBe('invalid-params');
    expect((await raw(test.server, tricky.replace('}}', ',"y":[1,2,3]}}'))).json?.error?.data.code).toBe(
      'oversized',
    );
  });

  it('replaces answers that would be too large together', async () => {
    test = await startTestNode({ limits: { answerBytesMax: 4_000 } });
    const genesis = rpc('chain.genesis', {}, 'g');
    const { text } = await raw(test.server, `[${genesis},${genesis},${genesis},${status}]`);
    const answers = JSON.parse(text) as { id: unknown; error?: { code: number } }[];
    expect(answers.map(({ id, error }) => [id, error?.code])).toEqual([
      ['g', undefined],
      ['g', undefined],
      ['g', 1101],
      [1, undefined],
    ]);
  });

  it('refuses headers that are too large', async () => {
    test = await startTestNode();
    const head = `POST / HTTP/1.1\r\nhost: localhost\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`;
    expect(await talk(test.server.port, head)).toMatch(/^HTTP\/1\.1 431 /);
  });
});

describe('many at once', () => {
  /** A context whose waiting calls stay until they are let go. */
  function holding(context: RpcContext) {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let waiting = 0;
    let notify = () => {};
    return {
      context: {
        ...context,
        waitForChange: async () => {
          waiting += 1;
          notify();
          await held;
        },
      },
      release,
      reached: (count: number) =>
        new Promise<void>((resolve) => {
          notify = () => {
            if (waiting >= count) resolve();
          };
          notify();
        }),
    };
  }
  const wait = rpc('chain.status', { afterHeight: 10 ** 6, waitMs: 1_000 });

  it('answers busy beyond its places, and serves again when one is free', async () => {
    test = await startTestNode();
    const held = holding(test.context);
    const server = await startRpcServer({ context: held.context, port: 0, limits: { requestsMax: 2 } });
    try {
      const waiting = [raw(server, wait), raw(server, wait)];
      await held.reached(2);
      const refused = await raw(server, status);
      expect([refused.status, refused.json?.error?.code]).toEqual([503, 1103]);
      held.release();
      for (const { status: ended } of await Promise.all(waiting)) expect(ended).toBe(200);
      expect((await raw(server, status)).status).toBe(200);
    } finally {
      held.release();
      await server.close();
    }
  });

  it('bounds the memory of large requests together, and gives it back', async () => {
    test = await startTestNode();
    const held = holding(test.context);
    const bounds = { bufferedBytesMax: 150_000, smallBytesMax: 1_000 };
    const server = await startRpcServer({ context: held.context, port: 0, limits: bounds });
    try {
      const large = wait.padEnd(100_000, ' ');
      const waiting = raw(server, large);
      await held.reached(1);
      const refused = await raw(server, large);
      expect([refused.status, refused.json?.error?.data.code]).toEqual([503, 'busy']);
      expect((await raw(server, status)).status).toBe(200);
      held.release();
      expect((await waiting).status).toBe(200);
      expect((await raw(server, large)).status).toBe(200);
    } finally {
      held.release();
      await server.close();
    }
  });

  it('bounds the memory of large answers together, and gives it back', async () => {
    test = await startTestNode({ limits: { bufferedBytesMax: 10, smallBytesMax: 500 } });
    const refused = await raw(test.server, rpc('chain.genesis', {}));
    expect([refused.status, refused.json?.error?.data.code]).toEqual([503, 'busy']);
    await test.close();
    test = await startTestNode({ limits: { bufferedBytesMax: 4_000, smallBytesMax: 500 } });
    for (let i = 0; i < 10; i += 1) {
      expect((await raw(test.server, rpc('chain.genesis', {}))).status).toBe(200);
    }
  });
});

describe('waiting', () => {
  it('ends in time, all waits of a batch together', async () => {
    test = await startTestNode({ limits: { waitMsMax: 200 } });
    const never = (id: number) => rpc('chain.status', { afterHeight: 10 ** 6, waitMs: 30_000 }, id);
    const begun = performance.now();
    const { text } = await raw(test.server, `[${[1, 2, 3, 4, 5, 6].map(never).join(',')}]`);
    expect(JSON.parse(text)).toHaveLength(6);
    const took = performance.now() - begun;
    expect(took).toBeGreaterThanOrEqual(195);
    // Six waits one after another would take 1.2 s at the least.
    expect(took).toBeLessThan(1_100);
  });

  it('does not starve the node when it cannot wait', async () => {
    test = await startTestNode();
    let asked = 0;
    const context: RpcContext = {
      ...test.context,
      waitForChange: async () => {
        asked += 1;
      },
    };
    const server = await startRpcServer({ context, port: 0 });
    try {
      const params = { afterHeight: 10 ** 6, waitMs: 300 };
      expect((await raw(server, rpc('chain.status', params))).status).toBe(200);
      expect(asked).toBeLessThan(50);
    } finally {
      await server.close();
    }
  });
});

describe('start and end', () => {
  it('says that a port is in use, and that an address is not of this machine', async () => {
    test = await startTestNode();
    const { context, server } = test;
    const taken = startRpcServer({ context, port: server.port });
    await expect(taken).rejects.toBeInstanceOf(RpcServerError);
    await expect(taken).rejects.toMatchObject({ code: 'port-in-use' });
    await expect(startRpcServer({ context, port: 0, host: '192.0.2.1' })).rejects.toMatchObject({
      code: 'address-unavailable',
    });
  });

  it('listens on loopback unless told otherwise', async () => {
    test = await startTestNode();
    expect(test.server.url).toBe(`http://127.0.0.1:${test.server.port}`);
  });

  it('ends waiting calls with an answer when it closes, and is closed afterwards', async () => {
    test = await startTestNode();
    const { server } = test;
    const waiting = raw(server, rpc('chain.status', { afterHeight: 10 ** 6, waitMs: 30_000 }));
    // A second request on its own connection is answered after the first was received.
    await raw(server, status);
    const begun = performance.now();
    await Promise.all([server.close(), server.close()]);
    const answer = await waiting;
    expect(answer.json?.result).toMatchObject({ name: 'test' });
    expect(answer.headers.connection).toBe('close');
    expect(performance.now() - begun).toBeLessThan(4_000);
    await expect(raw(server, status)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('cuts a peer that never finishes, when it closes', async () => {
    test = await startTestNode({ limits: { closeGraceMs: 50 } });
    const { port } = test.server;
    const head =
      'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n';
    const stuck = talk(port, head);
    await raw(test.server, status);
    await test.server.close();
    await stuck.catch(() => {});
  });

  it('gives up on a peer that is too slow', async () => {
    test = await startTestNode({ limits: { headersTimeoutMs: 100, requestTimeoutMs: 200 } });
    expect(await talk(test.server.port, 'POST / HTTP/1.1\r\nhost: ')).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('answers what is not HTTP with 400, and goes on', async () => {
    test = await startTestNode();
    expect(await talk(test.server.port, 'hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    // An empty Host names nobody.
    const head = `POST / HTTP/1.1\r\nhost:\r\ncontent-type: application/json\r\ncontent-length: ${status.length}\r\nconnection: close\r\n\r\n`;
    expect(await talk(test.server.port, head + status)).toMatch(/^HTTP\/1\.1 403 /);
    expect((await raw(test.server, status)).status).toBe(200);
  });
});

describe('a bug behind the RPC', () => {
  it('is told to the operator, and to the caller only that there was one', async () => {
    test = await startTestNode();
    const bugs: [string, unknown][] = [];
    const secret = new Error('the disk at /secret/path is broken');
    const context: RpcContext = {
      ...test.context,
      store: {
        ...test.context.store,
        payload: () => {
          throw secret;
        },
      },
    };
    const server = await startRpcServer({ context, port: 0, onBug: (...bug) => bugs.push(bug) });
    try {
      const answer = await raw(server, rpc('payload.get', { id: 'a'.repeat(64) }));
      expect(answer.json?.error).toMatchObject({ code: -32603, data: { code: 'internal-error' } });
      expect(answer.text).not.toContain('secret');
      expect(answer.text).not.toContain('.ts');
      expect(bugs).toEqual([['payload.get', secret]]);
    } finally {
      await server.close();
    }
  });
});

describe('closing', () => {
  it('does not wait for a connection that never carried a request', async () => {
    test = await startTestNode({ limits: { closeGraceMs: 3_600_000 } });
    const socket = connect(test.server.port, '127.0.0.1');
    await once(socket, 'connect');
    // The connection is the server's, too, once it answers another one that came later.
    expect((await raw(test.server, status)).status).toBe(200);
    const closed = once(socket, 'close');
    await test.server.close();
    await closed;
  });
});
