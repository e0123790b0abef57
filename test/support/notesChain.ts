import {
  type BlockContext,
  beginExecution,
  blockHash,
  bytesBetween,
  type Certificate,
  type Contract,
  cell,
  emptyTree,
  type Method,
  method,
  type Protocol,
  record,
  refuse,
  type StateTree,
  sealHeader,
  signTransaction,
  struct,
  text,
  treeSet,
  type UnsignedTransaction,
  uint,
  type VerifiedTransaction,
  verifyTransaction,
} from '../../chain/index.js';
import { drbg, publicKeyOf, sha256, utf8ToBytes } from '../../crypto/index.js';

/** A chain small enough to follow by eye: accounts keep notes. Real signatures, real execution. */
export const notesCell = cell('notes/note', struct({ text: text(1000), height: uint }));
const memberCell = cell('notes/member', uint);
const beganCell = cell('notes/began', uint);

const put: Method<unknown> = method(record({ name: text(64), text: text(1000) }), (scope, args) => {
  notesCell.set(scope.state, { text: args.text, height: scope.block.height }, args.name);
  scope.emit('put', { name: args.name });
  if (args.text.startsWith('payload')) scope.emitPayload(utf8ToBytes(args.text));
  if (args.text.endsWith('no')) return refuse('says-no', `the note ${args.name} says no`);
  if (args.text === 'bug') throw new Error('a bug of the contract');
  return null;
});

const erase: Method<unknown> = method(
  record({ name: text(64), note: bytesBetween(0, 10) }),
  (scope, args) => {
    if (notesCell.get(scope.state, args.name) === null)
      return refuse('no-note', `there is no note ${args.name}`);
    notesCell.remove(scope.state, args.name);
    return null;
  },
);

export const notesContract: Contract<unknown> = {
  name: 'notes',
  methods: { put, erase },
  beginBlock: (scope) => {
    beganCell.set(scope.state, scope.block.height);
    scope.emit('began', { height: scope.block.height });
  },
};

export const notesProtocol: Protocol<unknown> = {
  contracts: [notesContract],
  levels: { mayHold: () => true, noteTurn: () => {}, choose: (_, waiting) => waiting[0] ?? 0 },
  senderOf: (state, _, { transaction, sender }) =>
    memberCell.get(state, sender) === null
      ? { ok: false, reason: 'unknown-sender' }
      : { ok: true, account: transaction.from },
  countSent: () => {},
  ringRootOf: (_, height) => sha256(utf8ToBytes(`ring of ${height}`)),
};

export const chainId = sha256(utf8ToBytes('a chain of notes'));

export interface Account {
  readonly secret: Uint8Array;
  readonly key: Uint8Array;
}

export function account(name: string): Account {
  const secret = sha256(utf8ToBytes(`secret of ${name}`));
  return { secret, key: publicKeyOf(secret) };
}

export const ada = account('ada');
export const ben = account('ben');

export function genesisState(): StateTree {
  let tree: StateTree = emptyTree;
  const draft = new Map<string, Uint8Array>();
  const access = {
    get: (key: string) => draft.get(key) ?? null,
    set: (key: string, value: Uint8Array) => void draft.set(key, value),
    remove: (key: string) => void draft.delete(key),
  };
  for (const { key } of [ada, ben]) memberCell.set(access, 1, Buffer.from(key).toString('hex'));
  for (const [key, value] of draft) tree = treeSet(tree, key, value);
  return tree;
}

export function signed(from: Account, fields: Partial<UnsignedTransaction> = {}): VerifiedTransaction {
  const unsigned: UnsignedTransaction = {
    chainId,
    level: 0,
    from: from.key,
    nonce: 0,
    contract: 'notes',
    method: 'put',
    args: { name: 'a', text: 'b' },
    payloads: [],
    ...fields,
  };
  const verified = verifyTransaction(signTransaction(unsigned, from.secret), chainId);
  if (!verified.ok) throw new Error(verified.reason);
  return verified.value;
}

/** The context of the block at `height`. */
export function context(height: number): BlockContext<unknown> {
  return {
    chainId,
    protocol: 1,
    height,
    time: 1000 * height,
    leader: ada.key,
    parent: { height: height - 1, time: 1000 * (height - 1), leader: null, committee: [] },
    participants: [],
    closings: new Map(),
  };
}

export interface Parent {
  readonly height: number;
  readonly hash: Uint8Array;
  readonly state: StateTree;
}

/** Executes and seals the next block. Each transaction must be valid; `payload` is any that they announce. */
export function makeCommit(
  parent: Parent,
  transactions: readonly VerifiedTransaction[],
  payload: Uint8Array | null = null,
) {
  const here = context(parent.height + 1);
  const execution = beginExecution(notesProtocol, parent.state, here, 0, () => payload);
  for (const transaction of transactions) {
    const taken = execution.take(transaction);
    if (!taken.ok) throw new Error(taken.reason);
  }
  const executed = execution.finish();
  const seed = { seed: sha256(utf8ToBytes(`seed ${here.height}`)), proof: new Uint8Array(80) };
  const voters = parent.height === 0 ? [] : [ada, ben];
  const parentVotes = voters.map(({ key }) => ({ voter: key, period: 0, signature: drbg(key)(64) }));
  const body = { transactions: execution.transactions.map(({ transaction }) => transaction), parentVotes };
  const header = sealHeader(here, parent.hash, 0, seed, body, executed);
  const [block, hash] = [{ header, ...body }, blockHash(header)];
  const certificate: Certificate = {
    height: here.height,
    period: 0,
    hash,
    bitmap: Uint8Array.of(0b111),
    signatures: [0, 1, 2].map((i) => drbg(hash)(64 * (i + 1)).slice(64 * i)),
  };
  const { state } = executed;
  return {
    commit: { ...executed, block, hash, certificate },
    state,
    next: { height: here.height, hash, state },
  };
}

/**
 * Block `parent.height + 1` of one fixed chain: ada writes `perBlock` notes, erases an old one, and makes a
 * payload, so that state grows, shrinks and payloads appear.
 */
export function makeNext(parent: Parent, perBlock = 3) {
  const height = parent.height + 1;
  const first = parent.height * (perBlock + 1);
  const notes = Array.from({ length: perBlock }, (_, i) =>
    signed(ada, { nonce: first + i, args: { name: `${height}-${i}`, text: `payload ${height} ${i}` } }),
  );
  const gone = signed(ada, {
    nonce: first + perBlock,
    method: 'erase',
    args: { name: `${height - 5}-0`, note: new Uint8Array(3) },
  });
  return makeCommit(parent, [...notes, gone]);
}

export function genesisParent(): Parent {
  return { height: 0, hash: chainId, state: genesisState() };
}
