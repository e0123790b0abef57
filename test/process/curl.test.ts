import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestChain, playRound, startTask, taskSpec } from '../support/chain.js';
import { root } from '../support/root.js';
import { type ServedNode, serveNode } from '../support/servedNode.js';

/**
 * Conformance with JSON-RPC 2.0 and with our own documents, as a stranger would find out: by `curl`, without our client
 * or any library of JSON-RPC. Skipped where there is no curl.
 */
const run = promisify(execFile);
const hasCurl = await run('curl', ['--version']).then(
  () => true,
  () => false,
);

let node: ServedNode;
beforeAll(async () => {
  const test = createTestChain();
  startTask(test, taskSpec());
  playRound(test);
  node = await serveNode(test);
}, 120_000);
afterAll(() => node?.close());

/** Status, content type and body. */
async function curl(...args: string[]): Promise<{ status: number; type: string; body: string }> {
  const { stdout } = await run(
    'curl',
    ['--silent', '--max-time', '30', '--write-out', '\n%{http_code} %{content_type}', ...args, node.url],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  const at = stdout.lastIndexOf('\n');
  const [status, type = ''] = stdout.slice(at + 1).split(' ');
  return { status: Number(status), type, body: stdout.slice(0, at) };
}

const post = (body: string, ...args: string[]) =>
  curl('--header', 'content-type: application/json', '--data-binary', body, ...args);
const answered = async (body: unknown): Promise<unknown> =>
  JSON.parse((await post(typeof body === 'string' ? body : JSON.stringify(body))).body);
const call = (method: string, params?: unknown, id: unknown = 1) => ({ jsonrpc: '2.0', id, method, params });
const error = (code: number, id: unknown = null) => ({ jsonrpc: '2.0', id, error: { code } });

describe.skipIf(!hasCurl)('by plain curl', () => {
  it('a call is answered with its id, as JSON', async () => {
    const { status, type, body } = await post(JSON.stringify(call('chain.status', {}, 'one')));
    expect([status, type]).toEqual([200, 'application/json']);
    expect(JSON.parse(body)).toMatchObject({
      jsonrpc: '2.0',
      id: 'one',
      result: { chainId: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
  });

  it.each([0, -1, 1.5, 'text', '', null])('the id %j comes back as it was sent', async (id) => {
    expect(await answered(call('chain.status', {}, id))).toMatchObject({ jsonrpc: '2.0', id });
  });

  it('params may be left out where none is needed', async () => {
    expect(await answered({ jsonrpc: '2.0', id: 1, method: 'chain.status' })).toHaveProperty('result');
  });

  // The examples of the JSON-RPC 2.0 specification, section 7, and its error codes, section 5.1.
  it.each([
    ['no JSON', '{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]', error(-32700)],
    [
      'a broken batch',
      '[{"jsonrpc": "2.0", "method": "sum", "id": "1"},{"jsonrpc": "2.0", "method"]',
      error(-32700),
    ],
    ['a method that is a number', { jsonrpc: '2.0', method: 1, params: {} }, error(-32600)],
    ['an empty batch', [], error(-32600)],
    ['no version', { id: 1, method: 'chain.status' }, error(-32600, 1)],
    ['an unknown method', call('foobar', {}, '1'), error(-32601, '1')],
    ['a wrong parameter', call('chain.block', { height: 'x' }), error(-32602, 1)],
    ['an unknown parameter', call('chain.status', { nonsense: 1 }), error(-32602, 1)],
    ['parameters by position, which this node does not take', call('chain.block', [1]), error(-32602, 1)],
  ])('gets the standard error: %s', async (_, body, expected) => {
    expect(await answered(body)).toMatchObject(expected);
  });

  it('a batch is answered as a list; notifications get no answer, and alone no body', async () => {
    const notification = { jsonrpc: '2.0', method: 'chain.status', params: {} };
    const answers = await answered([call('chain.status', {}, 1), notification, 1, call('foobar', {}, 2)]);
    expect(answers).toMatchObject([{ id: 1 }, error(-32600), error(-32601, 2)]);
    expect(await post(JSON.stringify(notification))).toMatchObject({ status: 204, body: '' });
    expect(await post(JSON.stringify([notification, notification]))).toMatchObject({ status: 204, body: '' });
  });

  it.each([
    ['another content type', 415, ['--header', 'content-type: text/plain', '--data', '{}']],
    ['GET', 405, ['--request', 'GET']],
    ['PUT', 405, ['--request', 'PUT', '--header', 'content-type: application/json', '--data', '{}']],
    ['the page of another site', 403, ['--header', 'origin: http://evil.example', '--data', '{}']],
    ['another name for this node', 403, ['--header', 'host: evil.example', '--data', '{}']],
    [
      'a compressed body',
      415,
      ['--header', 'content-type: application/json', '--header', 'content-encoding: gzip', '--data', '{}'],
    ],
  ])('HTTP says so: %s', async (_, status, args) => {
    const said = await curl(...args);
    expect(said.status).toBe(status);
    expect(JSON.parse(said.body)).toMatchObject({
      jsonrpc: '2.0',
      id: null,
      error: { data: { advice: expect.any(String) } },
    });
  });

  it('every own error that it gives is documented, with its number', async () => {
    const { methods } = (
      (await answered(call('rpc.discover', {}))) as { result: { methods: { name: string }[] } }
    ).result;
    const documented = readFileSync(join(root, 'docs', 'errors.md'), 'utf8');
    for (const { name } of methods) {
      const { error: fault } = (await answered(call(name, { nonsense: 1 }))) as {
        error: { code: number; message: string; data: { code: string; advice: string } };
      };
      expect([name, fault.code, fault.data.code]).toEqual([name, -32602, 'invalid-params']);
      expect(documented).toContain(fault.data.code);
    }
  });

  it('every command of the reference that calls a node by curl does what it says', async () => {
    const reference = readFileSync(join(root, 'docs', 'reference', 'rpc.md'), 'utf8');
    const bodies = [...reference.matchAll(/curl .*?(?:-d|--data(?:-binary)?) '([^']+)'/gs)].map(
      ([, body]) => body!,
    );
    expect(bodies.length).toBeGreaterThan(0);
    for (const body of bodies)
      expect([body, await answered(body)]).toEqual([
        body,
        expect.objectContaining({ result: expect.anything() }),
      ]);
  });
});
