import type { Json } from './json.js';

/**
 * Every error of the RPC: its number, and what to do about it. Numbers and words are stable: never reused, never
 * changed. -32768..-32000 are JSON-RPC's own; 1000s say why a transaction was not taken; 1100s are the server's;
 * 1200s are made by the client and never travel.
 */
export const errorTable = {
  'parse-error': { code: -32700, advice: 'Send one JSON value in UTF-8.' },
  'invalid-request': {
    code: -32600,
    advice: 'Send {"jsonrpc": "2.0", "id": 1, "method": "...", "params": {...}} or a list of these.',
  },
  'unknown-method': { code: -32601, advice: 'Call rpc.discover for the list of methods.' },
  'invalid-params': {
    code: -32602,
    advice: 'Correct the parameter at data.path; rpc.discover has the schemas.',
  },
  'internal-error': { code: -32603, advice: 'This is a bug of the node: look into its log and report it.' },

  'wrong-chain': { code: 1001, advice: 'Sign for the chain id that chain.status names.' },
  'bad-signature': {
    code: 1002,
    advice: 'Sign the transaction with the secret key of `from`, and change nothing after.',
  },
  oversize: { code: 1003, advice: 'Make the transaction smaller; large bytes travel as payloads.' },
  'unknown-sender': { code: 1004, advice: 'Use a key that has an account on this chain.' },
  'wrong-nonce': { code: 1005, advice: 'Ask account.get for the next nonce and sign again.' },
  'wrong-level': { code: 1006, advice: 'Carry the level of the task that the transaction is about.' },
  'payload-mismatch': {
    code: 1007,
    advice: 'Send exactly the payloads that the transaction lists, in its order.',
  },
  'mempool-full': { code: 1008, advice: 'Send it again later, or to another node.' },
  'already-known': { code: 1009, advice: 'Nothing to do: ask tx.get what became of it.' },
  refused: { code: 1010, advice: 'The contract would refuse it: see the message.' },
  suspended: { code: 1011, advice: 'Ask the account’s hospital, which can reinstate it.' },
  'rate-limited': { code: 1012, advice: 'Send it again in the next era; account.get says what was sent.' },

  'not-found': { code: 1100, advice: 'Check the id; a node that is behind or has pruned may lack it.' },
  oversized: { code: 1101, advice: 'Ask for less, or send less, in one request.' },
  'too-many-requests': { code: 1102, advice: 'Split the batch.' },
  busy: { code: 1103, advice: 'The node is at its limit: try again shortly, or ask another node.' },
  'wrong-host': {
    code: 1104,
    advice: 'Address the node by IP or as localhost; pages of other sites may not call it.',
  },
  'wrong-http': { code: 1105, advice: 'Send POST / with content-type application/json, not compressed.' },
  'not-allowed': { code: 1106, advice: 'Ask the node of the right hospital, from its own machine.' },
  'needs-socket': {
    code: 1107,
    advice: 'Connect with ws:// to the same address; over HTTP poll with waitMs.',
  },
  'not-admin': {
    code: 1108,
    advice: 'Send the token in DATADIR.admin-token as Authorization: Bearer, from the machine of the node.',
  },

  unreachable: { code: 1200, advice: 'Check that the node runs and that the address is right.' },
  'timed-out': { code: 1201, advice: 'Try again, or allow more time.' },
  'bad-answer': { code: 1202, advice: 'Check that the address is a Consilium node of this version.' },
  cancelled: { code: 1203, advice: 'The caller gave up.' },
} as const satisfies Readonly<Record<string, { readonly code: number; readonly advice: string }>>;

export type ErrorWord = keyof typeof errorTable;

/** A request that was not granted. Match on `word` (or `code`), never on the message. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: number;
  /** Where in the parameters, for invalid-params. */
  readonly path: string | null;
  constructor(
    readonly word: ErrorWord,
    readonly detail: string,
    options: ErrorOptions & { readonly path?: string } = {},
  ) {
    super(`${word}: ${detail}`, options);
    this.code = errorTable[word].code;
    this.path = options.path ?? null;
  }
}

/** The error object of a JSON-RPC answer. */
export function errorJson({ code, word, detail, path }: RpcError): Json {
  const data = { code: word, advice: errorTable[word].advice };
  return { code, message: detail, data: path === null ? data : { ...data, path } };
}

export function isErrorWord(word: unknown): word is ErrorWord {
  return typeof word === 'string' && Object.hasOwn(errorTable, word);
}

export type RpcServerFault = 'port-in-use' | 'address-unavailable' | 'not-permitted' | 'listen-failed';

/** The server could not begin to listen. */
export class RpcServerError extends Error {
  override readonly name = 'RpcServerError';
  constructor(
    readonly code: RpcServerFault,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
