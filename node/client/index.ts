/**
 * `consilium/client`: talks to a node from Node or a browser, and signs there. Types and checks come from the document
 * that rpc.discover gives (`npm run docs` makes methods.ts and openrpc.json of it); nothing of a node is loaded.
 */
import { bytesToHex, hexToBytes, isHex } from '../../crypto/index.js';
import { clientWith } from '../rpc/clientWith.js';
import { RpcError } from '../rpc/errors.js';
import { httpExchange } from '../rpc/httpExchange.js';
import { notificationSchema } from '../rpc/socket/cursor.js';
import { follow } from '../rpc/socket/follow.js';
import { createWallet } from '../rpc/wallet.js';
import { describedMethods, itemSchema } from './table.js';
import { taskSpecOf } from './taskFile.js';
import type { Client, ClientOptions, Item, Topic, Wallet } from './types.js';

export { type ErrorWord, errorTable, RpcError } from '../rpc/errors.js';
export type { RpcItems, RpcMethods } from './methods.js';
export { type TaskFile, TaskFileError } from './taskFile.js';
export type * from './types.js';

const PUBLISH_WAIT_MS = 30_000;
const SECRET_BYTES = 32;

/** A client of the node at an `http://` address. Connects when it is first asked. */
export function createClient(url: string, defaults: ClientOptions = {}): Client {
  const inner = clientWith(describedMethods, url, httpExchange(url, defaults.adminToken), defaults);
  const client: Client = {
    url,
    call: inner.call as unknown as Client['call'],
    waitFor: inner.waitFor as unknown as Client['waitFor'],
    follow: (topic, { from, timeoutMs, signal, retries, ...filter } = {}) =>
      follow(url, { params: { topic, ...filter }, from, timeoutMs, signal, retries }, reader(url, topic)),
    wallet: async (secret, options) => {
      const { chainId } = await inner.call('chain.status', {}, options);
      return walletOf(
        createWallet({ client: inner, chainId: hexToBytes(chainId), secret: secretOf(secret) }),
      );
    },
  };
  return client;
}

function secretOf(secret: Uint8Array | string): Uint8Array {
  if (typeof secret === 'string' && isHex(secret, SECRET_BYTES)) return hexToBytes(secret);
  if (typeof secret !== 'string' && secret.length === SECRET_BYTES) return secret;
  throw new RangeError('a secret key is 32 bytes, or 64 lower-case hex digits');
}

function reader<T extends Topic>(url: string, topic: T): (message: unknown) => Item<T> {
  const schema = itemSchema(topic);
  return (message) => {
    const read = notificationSchema.safeParse(message);
    const item = read.success ? schema.safeParse(read.data.params.item) : read;
    if (!read.success || !item.success) throw new RpcError('bad-answer', `${url}: an item unlike its schema`);
    return { at: read.data.params.at, next: read.data.params.next, item: item.data as Item<T>['item'] };
  };
}

function walletOf(inner: ReturnType<typeof createWallet>): Wallet {
  const wallet: Wallet = {
    publicKey: bytesToHex(inner.publicKey),
    send: inner.send,
    wait: inner.wait as unknown as Wallet['wait'],
    publishTask: async (task, options) => {
      const spec = taskSpecOf(task);
      const call = { contract: 'tasks', method: 'publish', level: spec.level, args: { spec } };
      const transaction = await wallet.send(call, options);
      const done = await wallet.wait(transaction, PUBLISH_WAIT_MS, options);
      if (!done.ok) throw new RpcError('refused', `the task was refused (${done.code}): ${done.detail}`);
      const published = done.events.find(({ kind }) => kind === 'published')?.fields.task;
      if (typeof published !== 'number') throw new RpcError('bad-answer', 'no number of the published task');
      return { task: published, transaction, height: done.height };
    },
  };
  return wallet;
}
