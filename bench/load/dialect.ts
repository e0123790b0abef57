import { encodeTransaction, signTransaction, transactionHash } from '../../chain/index.js';
import { encodeContent } from '../../contracts/index.js';
import {
  bytesToHex,
  deriveHpkeKeys,
  drbg,
  hexToBytes,
  publicKeyOf,
  sha256,
  utf8ToBytes,
} from '../../crypto/index.js';
import { sealContent } from '../../node/sealing/content.js';
import { post } from './http.js';

/** A transaction as it will be sent: the text of its JSON-RPC request, and what a probe waits for. */
export interface Prepared {
  readonly request: string;
  readonly hash: string;
}

/** How the load speaks to one kind of node: which requests carry a transaction, and what answers mean. */
export interface Dialect {
  /** Bytes of one encoded transaction, as the chain counts them. */
  readonly transactionBytes: number;
  /** The transaction of an account with this nonce, signed where the chain wants that. */
  prepare(account: number, nonce: number): Prepared;
  /** Null: taken, now or before. Else why not, in the node's words. */
  refusal(answer: unknown): string | null;
  /** Submits one transaction and resolves when the node says that it is committed. Throws if it isn't taken. */
  commit(url: string, prepared: Prepared): Promise<void>;
}

export type DialectName = 'consilium' | 'cometbft';

/** Bytes of a transaction that both chains are measured with. */
export const TRANSACTION_BYTES = 300;
const COMMIT_WAIT_MS = 20_000;

/** Key of a load account, the same in every run: these accounts exist in the bench's own genesis only. */
export function loadAccount(index: number): { readonly secret: Uint8Array; readonly publicKey: Uint8Array } {
  const secret = drbg(sha256(utf8ToBytes(`bench/load/account/${index}`)))(32);
  return { secret, publicKey: publicKeyOf(secret) };
}

/** `classes`: levels of task transactions, in turn by account; 0: what is sent is no task's. Of Consilium alone. */
export function createDialect(
  name: DialectName,
  chainId: string,
  accounts: number,
  classes: number,
): Dialect {
  if (name === 'cometbft') return cometbft();
  const chain = hexToBytes(chainId);
  return consilium(chain, accounts, classes === 0 ? anchors(chain) : contentTasks(chain, classes));
}

/** The call of an account's transaction with this nonce. */
type CallOf = (
  account: number,
  nonce: number,
) => { readonly contract: string; readonly method: string; readonly level: number; readonly args: unknown };

/** `anchor.put` of a fresh digest, its memo as long as makes 300 bytes: one signature, one key write. */
function anchors(chainId: Uint8Array): CallOf {
  const callOf =
    (memo: string): CallOf =>
    (account, nonce) => {
      const args = { digest: sha256(utf8ToBytes(`${account}/${nonce}`)), memo };
      return { contract: 'anchor', method: 'put', level: 0, args };
    };
  const sizeOf = (memo: string): number =>
    encodeTransaction(signed(chainId, loadAccount(0), 1_000, callOf(memo)(0, 1_000))).length;
  return callOf('m'.repeat(TRANSACTION_BYTES - sizeOf('m'.repeat(30)) + 30));
}

/**
 * `tasks.publishContent`: a doctor's sealed request at the level of its account, 1 KiB padded. It ends at once, so that as
 * many as one likes fit under the bound of open tasks; the block is of its level all the same.
 */
function contentTasks(chainId: Uint8Array, classes: number): CallOf {
  const seed = drbg(utf8ToBytes('bench/load/content'));
  const content = { title: 'Whose retina is this?', description: 'Seen in spring.' };
  const readers = [deriveHpkeKeys(seed(32)).publicKey];
  const sealed = sealContent({ chainId, content, readers, taskKey: seed(32), ikms: [seed(32)] })!;
  const fixed = { places: 1, completion: 'publisher', reward: 0, applyMs: 1, workMs: 1 };
  const bytes = encodeContent(sealed);
  return (account) => {
    const level = 1 + (account % classes);
    return { contract: 'tasks', method: 'publishContent', level, args: { ...fixed, level, content: bytes } };
  };
}

function signed(
  chainId: Uint8Array,
  { secret, publicKey: from }: ReturnType<typeof loadAccount>,
  nonce: number,
  call: ReturnType<CallOf>,
) {
  return signTransaction({ chainId, from, nonce, ...call, payloads: [] }, secret);
}

function consilium(chainId: Uint8Array, accounts: number, callOf: CallOf): Dialect {
  const keys = Array.from({ length: accounts }, (_, index) => loadAccount(index));
  const sign = (account: number, nonce: number) =>
    signed(chainId, keys[account]!, nonce, callOf(account, nonce));
  return {
    transactionBytes: encodeTransaction(sign(0, 1_000)).length,
    prepare: (account, nonce) => {
      const transaction = sign(account, nonce);
      const encoded = Buffer.from(encodeTransaction(transaction)).toString('base64');
      return {
        request: `{"jsonrpc":"2.0","id":1,"method":"tx.submit","params":{"transaction":"${encoded}"}}`,
        hash: bytesToHex(transactionHash(transaction)),
      };
    },
    refusal: refusalUnlessKnown,
    commit: async (url, { request, hash }) => {
      require(refusalIn(await post(url, request)));
      const params = { hash, waitMs: COMMIT_WAIT_MS };
      const answer = await post(url, JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tx.get', params }));
      require(refusalIn(answer));
      const { status, ok } = (answer as { result: { status: string; ok?: boolean } }).result;
      require(status === 'committed' && ok === true ? null : `the transaction is ${status}, ok ${ok}`);
    },
  };
}

/** `key=value` of the built-in kvstore, padded to the same size: no signature, one key write. */
function cometbft(): Dialect {
  const text = (account: number, nonce: number) =>
    `account-${account}=${nonce}/`.padEnd(TRANSACTION_BYTES, 'v');
  const request = (method: string, tx: string) =>
    `{"jsonrpc":"2.0","id":1,"method":"${method}","params":{"tx":"${tx}"}}`;
  const refusal = (answer: unknown): string | null => {
    const { result } = answer as { result?: { code?: number; log?: string } };
    return (
      refusalUnlessKnown(answer) ??
      (result === undefined || result.code === 0 ? null : `code ${result?.code}: ${result?.log}`)
    );
  };
  return {
    transactionBytes: TRANSACTION_BYTES,
    prepare: (account, nonce) => {
      const tx = Buffer.from(text(account, nonce)).toString('base64');
      return { request: request('broadcast_tx_sync', tx), hash: tx };
    },
    refusal,
    // The node answers once the transaction is in a block: one request where we need two.
    commit: async (url, { hash: tx }) => {
      const answer = await post(url, request('broadcast_tx_commit', tx));
      require(refusalIn(answer));
      const { height, tx_result: result } = (
        answer as { result: { height: string; tx_result: { code: number } } }
      ).result;
      require(Number(height) > 0 && result.code === 0 ? null : JSON.stringify(result));
    },
  };
}

/** A transaction that was sent again because the answer was lost: either node says that it has it. */
function refusalUnlessKnown(answer: unknown): string | null {
  const refusal = refusalIn(answer);
  return refusal !== null && /already-known|already exists in cache/.test(refusal) ? null : refusal;
}

function refusalIn(answer: unknown): string | null {
  const { error } = answer as { error?: { message?: string; data?: unknown } };
  return error === undefined ? null : `${error.message} ${JSON.stringify(error.data ?? '')}`;
}

function require(fault: string | null): void {
  if (fault !== null) throw new Error(`a transaction did not commit: ${fault}`);
}
