import { encodeTransaction, payloadId, signTransaction, transactionId } from '../../chain/index.js';
import { bytesToHex, publicKeyOf } from '../../crypto/index.js';
import type { CallOptions } from './caller.js';
import type { Client, Committed } from './client.js';
import { RpcError } from './errors.js';
import { bytesToBase64 } from './json.js';
import type { ParamsOf } from './methods/index.js';

/** A call of a contract's method. `args` is the IPLD form that the contract's codec knows. */
export interface WalletCall {
  readonly contract: string;
  readonly method: string;
  /** 0: not about a task. */
  readonly level?: number;
  readonly args: unknown;
  readonly payloads?: readonly Uint8Array[];
}

/** A signed transaction, ready to be sent to any node: identical bytes may be sent again. */
export interface SignedCall {
  /** Hex hash. */
  readonly hash: string;
  readonly submission: ParamsOf<'tx.submit'>;
}

/** One account's key, and the nonce it has come to. One wallet an account and process. */
export interface Wallet {
  readonly publicKey: Uint8Array;
  /** Signs under a given nonce; sends nothing. */
  sign(call: WalletCall, nonce: number): SignedCall;
  /**
   * Signs with the next nonce, hands in, returns the hex hash. Calls are sent in the order in which they were made.
   *
   * The nonce is asked for once and then counted; a node that says 'wrong-nonce' is asked again. Throws RpcError.
   */
  send(call: WalletCall, options?: CallOptions): Promise<string>;
  /** Waits until a block holds it; RpcError 'timed-out' if none does in time. */
  wait(hash: string, timeoutMs: number, options?: CallOptions): Promise<Committed>;
}

/** How often one call is signed anew, and how long each time waits for a block that moves the nonce on. */
const NONCE_ATTEMPTS_MAX = 4;
const NONCE_WAIT_MS = 3_000;

export function createWallet({
  client,
  chainId,
  secret,
}: {
  readonly client: Client;
  readonly chainId: Uint8Array;
  /** 32-byte seed. */
  readonly secret: Uint8Array;
}): Wallet {
  const publicKey = publicKeyOf(secret);
  const account = { publicKey: bytesToHex(publicKey) };
  let next: number | null = null;
  let last: Promise<unknown> = Promise.resolve();

  const sign: Wallet['sign'] = ({ contract, method, level = 0, args, payloads = [] }, nonce) => {
    const refs = payloads.map((payload) => ({ id: payloadId(payload), size: payload.length }));
    const unsigned = { chainId, level, from: publicKey, nonce, contract, method, args, payloads: refs };
    const transaction = signTransaction(unsigned, secret);
    return {
      hash: transactionId(transaction),
      submission: {
        transaction: bytesToBase64(encodeTransaction(transaction)),
        payloads: payloads.map(bytesToBase64),
      },
    };
  };

  /** Nonces are counted by key, and the node tells those of the account's present one. */
  const askNonce = async (options?: CallOptions): Promise<number> => {
    const found = await client.call('account.get', account, options);
    if (found.publicKey === account.publicKey) return found.nextNonce;
    const detail = `${account.publicKey} signs for its account no more, ${found.publicKey} does`;
    throw new RpcError('unknown-sender', detail);
  };

  const sendNow = async (call: WalletCall, options?: CallOptions): Promise<string> => {
    for (let attempt = 1; ; attempt += 1) {
      const nonce: number = next ?? (await askNonce(options));
      const { hash, submission } = sign(call, nonce);
      // Refused, or lost on its way: the nonce is still the next one. If it did arrive, the node will say so.
      next = nonce;
      try {
        await client.call('tx.submit', submission, options);
      } catch (error) {
        if (!(error instanceof RpcError)) throw error;
        if (error.word === 'wrong-nonce' && attempt < NONCE_ATTEMPTS_MAX) {
          next = null;
          await otherNonce(nonce, options);
          continue;
        }
        // The same bytes are the same transaction: an earlier attempt of ours arrived.
        if (error.word !== 'already-known') throw error;
      }
      next = nonce + 1;
      return hash;
    }
  };

  /** A transaction of an earlier process may still wait under this nonce: a block will move it on. */
  const otherNonce = async (tried: number, options?: CallOptions): Promise<void> => {
    const { height } = await client.call('chain.status', {}, options);
    const { nextNonce } = await client.call('account.get', account, options);
    if (nextNonce !== tried) return;
    await client.call('chain.status', { afterHeight: height, waitMs: NONCE_WAIT_MS }, options);
  };

  return {
    publicKey,
    sign,
    send: (call, options) => {
      const sent = last.then(() => sendNow(call, options));
      last = sent.catch(() => {});
      return sent;
    },
    wait: (hash, timeoutMs, options) => client.waitFor(hash, timeoutMs, options),
  };
}
