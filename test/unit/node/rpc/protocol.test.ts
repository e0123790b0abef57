import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  encodeTransaction,
  limits,
  payloadId,
  signTransaction,
  type Transaction,
} from '../../../../chain/index.js';
import { bytesToHex } from '../../../../crypto/index.js';
import { bytesToBase64, errorTable } from '../../../../node/rpc/index.js';
import { person } from '../../../support/genesis.js';
import { type RawAnswer, raw, rpc, startTestNode, type TestNode, WAIT_MS } from './fixture.js';

let test: TestNode;
beforeAll(async () => {
  test = await startTestNode();
});
afterEach(async () => {
  // Whatever was sent: the node still answers, and nothing of it was a bug.
  expect((await raw(test.server, rpc('chain.status', {}))).json?.result).toBeDefined();
  expect(test.bugs).toEqual([]);
});
afterAll(() => test.close());

const word = (answer: RawAnswer) => answer.json?.error?.data.code;

describe('what is no request', () => {
  const cases: [string, string | Buffer, string, number][] = [
    ['nothing', '', 'parse-error', -32700],
    ['half an object', '{"jsonrpc": "2.0", "method"', 'parse-error', -32700],
    ['a word', 'hello', 'parse-error', -32700],
    ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22]), 'parse-error', -32700],
    ['zeros', Buffer.alloc(1000), 'parse-error', -32700],
    ['a text that does not end', `"${'a'.repeat(10_000)}`, 'parse-error', -32700],
    ['a number', '7', 'invalid-request', -32600],
    ['null', 'null', 'invalid-request', -32600],
    ['an empty object', '{}', 'invalid-request', -32600],
    ['an empty batch', '[]', 'invalid-request', -32600],
    ['another version', '{"jsonrpc":"1.0","id":1,"method":"chain.status"}', 'invalid-request', -32600],
    ['no version', '{"id":1,"method":"chain.status"}', 'invalid-request', -32600],
    ['a method that is no text', '{"jsonrpc":"2.0","id":1,"method":7}', 'invalid-request', -32600],
    ['an id that is a list', '{"jsonrpc":"2.0","id":[1],"method":"chain.status"}', 'invalid-request', -32600],
    ['a very long id', rpc('chain.status', {}, 'x'.repeat(257)), 'invalid-request', -32600],
    [
      'an unknown field',
      '{"jsonrpc":"2.0","id":1,"method":"chain.status","auth":1}',
      'invalid-request',
      -32600,
    ],
    ['positional parameters', rpc('chain.block', [1]), 'invalid-params', -32602],
    ['an unknown method', rpc('chain.drop', {}), 'unknown-method', -32601],
    ['a method of Object', rpc('toString', {}), 'unknown-method', -32601],
    ['__proto__', rpc('__proto__', {}), 'unknown-method', -32601],
    ['deep brackets', '['.repeat(60_000), 'parse-error', -32700],
    ['deep brackets, closed', `{"a":${'['.repeat(60_000)}${']'.repeat(60_000)}}`, 'invalid-request', -32600],
  ];
  it.each(cases)('answers %s with an error of its own', async (_, body, expected, code) => {
    const answer = await raw(test.server, body);
    expect(word(answer)).toBe(expected);
    expect(answer.json?.error?.code).toBe(code);
    expect(answer.status).toBeLessThan(500);
    expect(answer.text).not.toContain('node_modules');
  });

  it('never fails on random bytes or on a valid request with a byte changed', async () => {
    const seed = randomBytes(4).readUInt32LE();
    let state = seed;
    const next = (below: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const whole = Buffer.from(rpc('chain.block', { height: 1 }));
    for (let i = 0; i < 200; i += 1) {
      const body =
        i % 2 === 0 ? Buffer.from(Array.from({ length: next(64) }, () => next(256))) : Buffer.from(whole);
      if (i % 2 === 1) body[next(body.length)] = next(256);
      const answer = await raw(test.server, body);
      expect(answer.status, `seed ${seed}, case ${i}: ${body.toString('latin1')}`).toBeLessThan(500);
      expect(answer.json?.error?.code, `seed ${seed}, case ${i}`).not.toBe(-32603);
    }
  });
});

describe('parameters', () => {
  const hex = 'a'.repeat(64);
  const cases: [string, unknown, string][] = [
    ['chain.block', { height: -1 }, 'height'],
    ['chain.block', { height: 1.5 }, 'height'],
    ['chain.block', { height: '1' }, 'height'],
    ['chain.block', { height: 2 ** 53 }, 'height'],
    ['chain.block', { hash: hex.toUpperCase() }, 'hash'],
    ['chain.block', { hash: hex.slice(1) }, 'hash'],
    ['chain.block', { hash: `${hex}\n` }, 'hash'],
    ['chain.status', { waitMs: 30_001 }, 'waitMs'],
    ['tx.get', { hash: hex, waitMs: -1 }, 'waitMs'],
    ['tx.get', {}, 'hash'],
    ['tx.submit', { transaction: 'AAA' }, 'transaction'],
    ['tx.submit', { transaction: 'AAA*' }, 'transaction'],
    ['tx.submit', { transaction: 'AAAA' }, 'transaction'],
    ['tx.submit', { transaction: '' }, 'transaction'],
    ['tx.submit', { transaction: 'AAAA', payloads: ['AA='] }, 'transaction'],
    ['task.get', { task: 0 }, 'task'],
    ['task.list', { from: 0 }, 'from'],
    ['model.get', { task: 1, round: 0 }, 'round'],
    ['account.get', { publicKey: 7 }, 'publicKey'],
    ['privacy.ledger', { device: hex }, 'dataset'],
  ];
  it.each(cases)('%s refuses %j and names the place', async (method, params, path) => {
    const answer = await raw(test.server, rpc(method, params));
    expect(answer.json?.error).toMatchObject({ code: -32602, data: { code: 'invalid-params', path } });
    expect(answer.json?.error?.message).toContain(path);
  });

  it('refuses a parameter that it does not know; one named __proto__ is no parameter at all', async () => {
    const ask = (params: string) =>
      raw(test.server, `{"jsonrpc":"2.0","id":1,"method":"chain.block","params":${params}}`);
    expect(word(await ask('{"height":1000000,"heigth":2}'))).toBe('invalid-params');
    expect(word(await ask('{"height":1000000,"__proto__":{"hash":"a"}}'))).toBe('not-found');
    expect(word(await ask('{"__proto__":{"height":1}}'))).toBe('invalid-params');
  });

  it('cuts what it repeats of the sender’s own words', async () => {
    const answer = await raw(test.server, rpc('chain.block', { ['x'.repeat(100_000)]: 1 }));
    expect(word(answer)).toBe('invalid-params');
    expect(answer.text.length).toBeLessThan(2_000);
  });
});

describe('ids, batches and notifications', () => {
  it('gives back the id as it came, number, text or null', async () => {
    for (const id of [0, -7.5, 'a', '', null]) {
      expect((await raw(test.server, rpc('chain.status', {}, id))).json?.id).toBe(id);
    }
    expect((await raw(test.server, rpc('chain.drop', {}, 'mine'))).json?.id).toBe('mine');
    expect((await raw(test.server, '{"jsonrpc":"2.0","id":"mine"}')).json?.id).toBe('mine');
  });

  it('answers a batch in its order, each request for itself', async () => {
    const batch = `[${rpc('chain.status', {}, 'a')}, 7, ${rpc('chain.block', { height: 10 ** 6 }, 'b')}]`;
    const { status, text } = await raw(test.server, batch);
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject([
      { jsonrpc: '2.0', id: 'a', result: { name: 'test' } },
      { jsonrpc: '2.0', id: null, error: { code: -32600 } },
      { jsonrpc: '2.0', id: 'b', error: { code: 1100, data: { code: 'not-found' } } },
    ]);
  });

  it('refuses a batch that is too long, before it runs any of it', async () => {
    const batch = (n: number) =>
      `[${Array.from({ length: n }, (_, i) => rpc('chain.status', {}, i)).join(',')}]`;
    expect(JSON.parse((await raw(test.server, batch(32))).text)).toHaveLength(32);
    const answer = await raw(test.server, batch(33));
    expect(answer.json?.error).toMatchObject({ code: 1102, data: { code: 'too-many-requests' } });
  });

  it('answers a notification with nothing, but runs it', async () => {
    const wallet = test.wallet(test.devices[0]!);
    const { nonce } = await test.client.call('account.get', { publicKey: bytesToHex(wallet.publicKey) });
    const { hash, submission } = wallet.sign({ contract: 'x', method: 'y', args: {} }, nonce);
    const body = JSON.stringify({ jsonrpc: '2.0', method: 'tx.submit', params: submission });
    expect(await raw(test.server, body)).toMatchObject({ status: 204, text: '' });
    expect(await raw(test.server, `[${body}]`)).toMatchObject({ status: 204, text: '' });
    expect((await test.client.waitFor(hash, WAIT_MS)).status).toBe('committed');
  });
});

describe('HTTP', () => {
  const body = rpc('chain.status', {});

  it('takes POST / with JSON alone', async () => {
    const cases: [Parameters<typeof raw>[2], number, string][] = [
      [{ method: 'PUT' }, 405, 'wrong-http'],
      [{ method: 'OPTIONS' }, 405, 'wrong-http'],
      [{ method: 'DELETE', path: '/healthz' }, 405, 'wrong-http'],
      [{ path: '/rpc' }, 404, 'wrong-http'],
      [{ path: '/?a=1' }, 404, 'wrong-http'],
      [{ headers: { 'content-type': 'text/plain' } }, 415, 'wrong-http'],
      [{ headers: { 'content-type': 'application/x-www-form-urlencoded' } }, 415, 'wrong-http'],
      [{ headers: { 'content-encoding': 'gzip' } }, 415, 'wrong-http'],
    ];
    for (const [how, status, expected] of cases) {
      const answer = await raw(test.server, body, how);
      expect([answer.status, word(answer)], JSON.stringify(how)).toEqual([status, expected]);
      expect(answer.headers['access-control-allow-origin']).toBe(undefined);
    }
    const typed = await raw(test.server, body, {
      headers: { 'content-type': 'Application/JSON; charset=utf-8' },
    });
    expect(typed.status).toBe(200);
  });

  it('refuses a Host that a foreign page could point here, and takes addresses and localhost', async () => {
    const { port } = test.server;
    const refused = [
      'evil.example',
      `evil.example:${port}`,
      'localhost.evil.example',
      'a b',
      'x@127.0.0.1',
      '127.1',
    ];
    for (const host of refused) {
      const answer = await raw(test.server, body, { headers: { host } });
      expect([answer.status, word(answer)], host).toEqual([403, 'wrong-host']);
      expect(
        (await raw(test.server, '', { method: 'GET', path: '/metrics', headers: { host } })).status,
      ).toBe(403);
    }
    for (const host of [`localhost:${port}`, 'LOCALHOST', '127.0.0.1', `[::1]:${port}`, '10.0.0.7:80']) {
      expect((await raw(test.server, body, { headers: { host } })).status, host).toBe(200);
    }
  });

  it('refuses the pages of other sites by their Origin', async () => {
    const own = `127.0.0.1:${test.server.port}`;
    const ask = (origin: string) => raw(test.server, body, { headers: { host: own, origin } });
    for (const origin of ['http://evil.example', 'null', `https://${own}`, 'http://127.0.0.1:1']) {
      expect(word(await ask(origin)), origin).toBe('wrong-host');
    }
    expect((await ask(`http://${own}`)).status).toBe(200);
  });

  it('takes the names that the operator allowed', async () => {
    const named = await startTestNode({ allowedHosts: ['node.hospital.example'] });
    try {
      const headers = { host: 'node.hospital.example:8545' };
      expect((await raw(named.server, body, { headers })).status).toBe(200);
      expect((await raw(named.server, body, { headers: { host: 'hospital.example' } })).status).toBe(403);
    } finally {
      await named.close();
    }
  });

  it('serves health and metrics', async () => {
    const health = await raw(test.server, '', { method: 'GET', path: '/healthz' });
    expect([health.status, health.json]).toEqual([200, { ok: true, height: test.node.tip.height }]);
    const metrics = await raw(test.server, '', { method: 'GET', path: '/metrics' });
    expect(metrics.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(metrics.text).toContain(`consilium_height ${test.node.tip.height}\n`);
    expect(metrics.text).toMatch(
      /# TYPE consilium_finality_ms_p50 gauge\nconsilium_finality_ms_p50 [\d.]+\n/,
    );
    for (const line of metrics.text.trimEnd().split('\n')) {
      expect(line).toMatch(
        /^(# HELP [a-z0-9_]+ .+|# TYPE [a-z0-9_]+ (gauge|counter)|[a-z0-9_]+(\{[a-z]+="[a-z-]+"\})? (-?[\d.e+-]+|NaN|[+-]Inf))$/,
      );
    }
    expect((await raw(test.server, '', { method: 'GET', path: '/etc/passwd' })).status).toBe(404);
    expect((await raw(test.server, '', { method: 'GET' })).headers.allow).toBe('POST');
  });
});

describe('tx.submit refuses, each with its own code,', () => {
  const base = () => ({
    chainId: test.node.tip.chainId,
    level: 0,
    from: test.devices[1]!.publicKey,
    nonce: 0,
    contract: 'nothing',
    method: 'at-all',
    args: {} as unknown,
    payloads: [] as readonly { readonly id: Uint8Array; readonly size: number }[],
  });
  const submit = (transaction: Transaction, payloads: readonly Uint8Array[] = []) =>
    raw(
      test.server,
      rpc('tx.submit', {
        transaction: bytesToBase64(encodeTransaction(transaction)),
        payloads: payloads.map(bytesToBase64),
      }),
    );
  const signed = (change: Partial<ReturnType<typeof base>>, secret = test.devices[1]!.secret) =>
    signTransaction({ ...base(), ...change }, secret);
  const nobody = person('nobody');
  const bytes = new Uint8Array([1, 2, 3]);
  const ref = { id: payloadId(bytes), size: 3 };

  const cases: [keyof typeof errorTable, () => Promise<RawAnswer>][] = [
    ['wrong-chain', () => submit(signed({ chainId: new Uint8Array(32) }))],
    ['bad-signature', () => submit(signed({}, test.devices[0]!.secret))],
    ['bad-signature', () => submit({ ...signed({}), nonce: 1 })],
    ['unknown-sender', () => submit(signed({ from: nobody.publicKey }, nobody.secret))],
    ['wrong-nonce', () => submit(signed({ nonce: 65 }))],
    ['wrong-level', () => submit(signed({ level: 2 }))],
    ['payload-mismatch', () => submit(signed({ payloads: [ref] }))],
    ['payload-mismatch', () => submit(signed({ payloads: [{ ...ref, id: new Uint8Array(32) }] }), [bytes])],
    ['payload-mismatch', () => submit(signed({}), [bytes])],
    [
      'refused',
      () =>
        submit(
          signed({
            contract: 'training',
            method: 'update',
            level: 1,
            args: { task: 9, round: 1 },
            payloads: [ref],
          }),
          [bytes],
        ),
    ],
    [
      'oversize',
      () =>
        raw(
          test.server,
          rpc('tx.submit', { transaction: bytesToBase64(new Uint8Array(limits.transactionBytesMax + 1)) }),
        ),
    ],
  ];
  it.each(cases)('%s', async (expected, send) => {
    const answer = await send();
    expect(word(answer)).toBe(expected);
    const { code, advice } = errorTable[expected];
    expect(answer.json?.error).toMatchObject({ code, data: { advice } });
    expect(answer.json?.error?.message.length).toBeGreaterThan(10);
  });

  it('a transaction that it has already', async () => {
    const { nonce } = await test.client.call('account.get', {
      publicKey: bytesToHex(test.devices[1]!.publicKey),
    });
    const transaction = signed({ nonce });
    const first = await submit(transaction);
    const { hash } = first.json!.result as { hash: string };
    expect(word(await submit(transaction))).toBe('already-known');
    await test.client.waitFor(hash, WAIT_MS);
    expect(word(await submit(transaction))).toBe('already-known');
    expect(word(await submit(signed({ nonce, contract: 'other' })))).toBe('wrong-nonce');
  });
});

describe('the table of errors', () => {
  it('gives every word one number, and no number to two', () => {
    const codes = Object.values(errorTable).map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
    expect(Object.values(errorTable).every(({ advice }) => advice.length > 10)).toBe(true);
  });
});
