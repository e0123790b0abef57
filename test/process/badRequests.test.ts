import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  encodeTransaction,
  limits,
  signTransaction,
  type Transaction,
  transactionId,
} from '../../chain/index.js';
import { bytesToHex, drbg, publicKeyOf, utf8ToBytes } from '../../crypto/index.js';
import { publisherKey } from '../../node/cli/publisherKey.js';
import { taskSpecOf } from '../../node/cli/taskFile.js';
import { readKeystore } from '../../node/provision/index.js';
import { bytesToBase64, type Client } from '../../node/rpc/index.js';
import { type Hospitals, pimaTask, provisionHospitals, reached } from '../support/processes.js';

let hospitals: Hospitals;
let client: Client;
let publisher: Uint8Array;
let device: Uint8Array;

/** One validator that is quiet unless there is a reason: a height that moves was moved by a request. */
beforeAll(async () => {
  hospitals = await provisionHospitals(1, 1, { heartbeatMs: 3_600_000 });
  client = hospitals.clients[0]!;
  publisher = publisherKey(hospitals.network);
  const folder = join(hospitals.network.dir, hospitals.network.file.devices[0]!.folder);
  device = readKeystore(join(folder, 'keystore.json'), join(folder, 'password')).sign!;
  await hospitals.start();
});

afterAll(() => hospitals.close());

const task = pimaTask({ devices: 1, quorum: 1, rounds: 1, enrolMs: 3_600_000 });

/** A publication that would be taken as it stands. */
function publication(change: Partial<Omit<Transaction, 'signature'>> = {}, secret = publisher): Transaction {
  const spec = taskSpecOf(task);
  return signTransaction(
    {
      chainId: hospitals.network.chainId,
      level: 1,
      from: publicKeyOf(secret),
      nonce: 0,
      contract: 'tasks',
      method: 'publish',
      args: { spec },
      payloads: [],
      ...change,
    },
    secret,
  );
}

const submit = (transaction: Transaction, payloads: readonly Uint8Array[] = []) =>
  client.call('tx.submit', {
    transaction: bytesToBase64(encodeTransaction(transaction)),
    payloads: payloads.map(bytesToBase64),
  });

/** What a request must leave as it was. */
async function standing() {
  const { height, hash } = await client.call('chain.status', {});
  const nonces = await Promise.all(
    [publisher, device].map(async (secret) => {
      const { nonce, nextNonce } = await client.call('account.get', {
        publicKey: bytesToHex(publicKeyOf(secret)),
      });
      return { nonce, nextNonce };
    }),
  );
  const { metrics } = await client.call('node.status', {});
  return { height, hash, nonces, waiting: metrics.mempoolTransactions };
}

/** Posts a body as it is, and gives status and error. */
async function post(body: string): Promise<{ status: number; code: number; word: string }> {
  const response = await fetch(client.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  const { error } = (await response.json()) as { error: { code: number; data: { code: string } } };
  return { status: response.status, code: error.code, word: error.data.code };
}

describe('a transaction that cannot stand in a block', () => {
  const other = drbg(utf8ToBytes('somebody else'))(32);
  const cases: readonly (readonly [string, string, number, () => Transaction])[] = [
    [
      'a signature of another key',
      'bad-signature',
      1002,
      () => ({ ...publication(), signature: publication({}, other).signature }),
    ],
    ['a changed field under a good signature', 'bad-signature', 1002, () => ({ ...publication(), nonce: 1 })],
    ['another chain', 'wrong-chain', 1001, () => publication({ chainId: new Uint8Array(32).fill(7) })],
    ['a key without an account', 'unknown-sender', 1004, () => publication({}, other)],
    ['a nonce far ahead', 'wrong-nonce', 1005, () => publication({ nonce: 1_000 })],
    ['a level that is not the device’s', 'wrong-level', 1006, () => publication({ level: 2 }, device)],
  ];
  it.each(cases)('is refused for %s as %s', async (_, word, code, make) => {
    const before = await standing();
    await expect(submit(make())).rejects.toMatchObject({ word, code });
    expect(await standing()).toEqual(before);
  });

  it('is refused when its payloads are not those it announces', async () => {
    const before = await standing();
    await expect(submit(publication(), [new Uint8Array(8)])).rejects.toMatchObject({
      word: 'payload-mismatch',
      code: 1007,
    });
    expect(await standing()).toEqual(before);
  });

  it('is refused when it is too large, whatever it says', async () => {
    const before = await standing();
    const transaction = bytesToBase64(new Uint8Array(limits.transactionBytesMax + 1));
    await expect(client.call('tx.submit', { transaction, payloads: [] })).rejects.toMatchObject({
      word: 'oversize',
      code: 1003,
    });
    expect(await standing()).toEqual(before);
  });
});

describe('a request that is no request', () => {
  const submission = (transaction: string): string =>
    JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tx.submit', params: { transaction } });
  it.each([
    ['no JSON', '{"jsonrpc":', -32700, 'parse-error'],
    ['no JSON-RPC', '{"method":"chain.status"}', -32600, 'invalid-request'],
    ['an unknown method', '{"jsonrpc":"2.0","id":1,"method":"chain.stop"}', -32601, 'unknown-method'],
    ['a transaction that is no base64', submission('***'), -32602, 'invalid-params'],
    [
      'a transaction of other bytes',
      submission(bytesToBase64(utf8ToBytes('hello'))),
      -32602,
      'invalid-params',
    ],
  ])('gets the code of its fault: %s', async (_, body, code, word) => {
    const before = await standing();
    expect(await post(body)).toMatchObject({ code, word });
    expect(await standing()).toEqual(before);
  });

  it('gets oversized when its body is larger than any request', async () => {
    const before = await standing();
    const body = `{"jsonrpc":"2.0","id":1,"method":"chain.status","params":{}}${' '.repeat(64 * 1024 * 1024)}`;
    expect(await post(body)).toMatchObject({ status: 413, code: 1101, word: 'oversized' });
    expect(await standing()).toEqual(before);
  });
});

describe('a task that does not fit', () => {
  const spec = taskSpecOf(task);
  const [first, ...rest] = spec.schema.features;
  it.each([
    ['model-unfit', { ...spec, model: { ...spec.model, inputs: 7 } }],
    ['model-unfit', { ...spec, schema: { ...spec.schema, features: rest } }],
    ['schema-unfit', { ...spec, schema: { ...spec.schema, features: [first!, first!, ...rest.slice(1)] } }],
    ['overdraws', { ...spec, rounds: 1_000 }],
    ['not-public', { ...spec, privacy: { ...spec.privacy, sigma16: 0, epsilonMicro: 0, deltaPico: 0 } }],
    ['quorum-unfit', { ...spec, quorum: 2 }],
  ])('is refused by the contract as %s: a receipt, a nonce, no task', async (code, unfit) => {
    const { nonces, height } = await standing();
    const { nonce } = nonces[0]!;
    const transaction = publication({ nonce, args: { spec: unfit } });
    await submit(transaction);
    const hash = transactionId(transaction);
    expect(await client.waitFor(hash, 60_000)).toMatchObject({ ok: false, code });
    expect((await standing()).nonces[0]!.nonce).toBe(nonce + 1);
    expect(await reached(client, height + 1)).toBe(height + 1);
    expect(await client.call('task.list', {})).toEqual([]);
  });

  it('leaves the next one its place: with all in order it is published', async () => {
    const { nonces } = await standing();
    const { nonce } = nonces[0]!;
    const transaction = publication({ nonce });
    await submit(transaction);
    const hash = transactionId(transaction);
    expect(await client.waitFor(hash, 60_000)).toMatchObject({ ok: true });
    await expect(submit(transaction)).rejects.toMatchObject({ word: 'already-known', code: 1009 });
    await expect(submit(publication({ nonce, level: 0 }))).rejects.toMatchObject({ word: 'wrong-nonce' });
    expect((await client.call('task.list', {})).map(({ id }) => id)).toEqual([1]);
  });
});

describe('all of that', () => {
  it('leaves no bug in the log of the node', () => {
    const folder = join(hospitals.network.dir, hospitals.network.file.nodes[0]!.folder);
    const lines = readFileSync(join(folder, 'node.log'), 'utf8').trim().split('\n');
    const loud = lines
      .map((line) => JSON.parse(line) as { level: string })
      .filter(({ level }) => level === 'error');
    expect(loud).toEqual([]);
  });
});
