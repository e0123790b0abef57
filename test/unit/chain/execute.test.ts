import { describe, expect, it } from 'vitest';
import {
  anyNode,
  beginExecution,
  type Contract,
  cell,
  decodeReceipt,
  type Execution,
  emptyTree,
  encodeReceipt,
  limits,
  merkleRoot,
  method,
  nonceCell,
  type Protocol,
  participantsOf,
  payloadId,
  type Receipt,
  readState,
  record,
  rootsMatch,
  type StateTree,
  sealHeader,
  text,
  treeEntries,
  treeRoot,
  uint,
  type VerifiedTransaction,
} from '../../../chain/index.js';
import { bytesToHex, compareBytes, sha256, utf8ToBytes } from '../../../crypto/index.js';
import {
  account,
  ada,
  ben,
  chainId,
  context,
  genesisState,
  notesCell,
  notesContract,
  notesProtocol,
  signed,
} from '../../support/notesChain.js';

const held = new Map<string, Uint8Array>();
const payloadOf = (id: Uint8Array): Uint8Array | null => held.get(bytesToHex(id)) ?? null;

/** Puts bytes into the test's payload store. */
function hold(bytes: Uint8Array): { id: Uint8Array; size: number } {
  const id = payloadId(bytes);
  held.set(bytesToHex(id), bytes);
  return { id, size: bytes.length };
}

const sizesCell = cell('shelf/sizes', uint);
/** A second contract: reads payloads, sees the level, and takes any arguments at all. */
const shelf: Contract<unknown> = {
  name: 'shelf',
  methods: {
    keep: method(record({ name: text(64) }), (scope, { name }) => {
      sizesCell.set(
        scope.state,
        scope.payloads.reduce((sum, { ref }) => sum + ref.size, scope.level),
        name,
      );
      return null;
    }),
    /** Keeps a count whatever becomes of it; refuses unless it is the first. */
    count: method(record({ name: text(64) }), (scope, { name }) => {
      const counted = (sizesCell.get(scope.kept, name) ?? 0) + 1;
      sizesCell.set(scope.kept, counted, name);
      if (sizesCell.get(scope.state, name) !== counted) throw new Error('what is kept is not seen');
      sizesCell.set(scope.state, 100, `${name}/taken`);
      return counted === 1 ? null : { code: 'counted', detail: 'not the first' };
    }),
    echo: method(anyNode, (scope, args) => {
      scope.emit('echo', { args });
      return { code: 'echo', detail: `you said ${String(args)}` };
    }),
  },
};
const protocol: Protocol<unknown> = { ...notesProtocol, contracts: [notesContract, shelf] };

function begin(state: StateTree = genesisState(), level = 0, height = 1): Execution {
  return beginExecution(protocol, state, context(height), level, payloadOf);
}

function take(execution: Execution, transaction: VerifiedTransaction): Receipt {
  const taken = execution.take(transaction);
  if (!taken.ok) throw new Error(taken.reason);
  return taken.receipt;
}

function reasonOf(execution: Execution, transaction: VerifiedTransaction): string {
  const taken = execution.take(transaction);
  return taken.ok ? 'taken' : taken.reason;
}

const put = (nonce: number, name: string, words: string, from = ada): VerifiedTransaction =>
  signed(from, { nonce, args: { name, text: words } });
const noteOf = (state: StateTree, name: string): string | undefined =>
  notesCell.get(readState(state), name)?.text;
const nonceOf = (state: StateTree, from = ada): number | null =>
  nonceCell.get(readState(state), bytesToHex(from.key));
const rootOf = (execution: Execution): string => bytesToHex(execution.finish().stateRoot);

describe('a transaction that is taken', () => {
  it('keeps what a refused call wrote to `kept`, and nothing else of it', () => {
    const execution = begin();
    const call = (nonce: number, name: string) =>
      take(execution, signed(ada, { nonce, contract: 'shelf', method: 'count', args: { name } }));
    expect(call(0, 'a').code).toBeNull();
    expect(call(1, 'a').code).toBe('counted');
    expect(call(2, 'a').code).toBe('counted');
    const state = readState(execution.finish().state);
    expect(sizesCell.get(state, 'a')).toBe(3);
    expect(sizesCell.get(state, 'a/taken')).toBe(100);
    const refused = begin(execution.finish().state, 0, 2);
    take(refused, signed(ada, { nonce: 3, contract: 'shelf', method: 'count', args: { name: 'a' } }));
    expect(sizesCell.get(readState(refused.finish().state), 'a')).toBe(4);
  });

  it('changes the state, raises the nonce and leaves a receipt with its events', () => {
    const execution = begin();
    const transaction = put(0, 'x', 'hello');
    expect(take(execution, transaction)).toEqual({
      transaction: transaction.hash,
      ok: true,
      code: null,
      detail: null,
      events: [{ contract: 'notes', kind: 'put', fields: { name: 'x' } }],
    });
    const { state } = execution.finish();
    expect(noteOf(state, 'x')).toBe('hello');
    expect(nonceOf(state)).toBe(1);
    expect(nonceOf(state, ben)).toBeNull();
  });

  it('is seen by the next one in the block', () => {
    const execution = begin();
    take(execution, put(0, 'x', 'hello'));
    const erase = signed(ada, { nonce: 1, method: 'erase', args: { name: 'x', note: new Uint8Array(0) } });
    expect(take(execution, erase).ok).toBe(true);
    expect(noteOf(execution.finish().state, 'x')).toBeUndefined();
  });

  it('sees level and payload bytes, and hands payloads of its own on', () => {
    const refs = [hold(utf8ToBytes('four')), hold(utf8ToBytes('sevenly'))];
    const execution = begin(genesisState(), 100);
    take(
      execution,
      signed(ada, { contract: 'shelf', method: 'keep', level: 100, args: { name: 'k' }, payloads: refs }),
    );
    take(execution, put(1, 'x', 'payload x'));
    const executed = execution.finish();
    expect(sizesCell.get(readState(executed.state), 'k')).toBe(111);
    const made = utf8ToBytes('payload x');
    expect([...executed.payloads]).toEqual([[bytesToHex(payloadId(made)), made]]);
  });
});

describe('a refusal', () => {
  it('consumes the nonce, and leaves no state, event or payload behind', () => {
    const refused = begin();
    const receipt = take(refused, put(0, 'x', 'payload: no'));
    expect(receipt).toMatchObject({ ok: false, code: 'says-no', detail: 'the note x says no', events: [] });
    const { state, changes, payloads } = refused.finish();
    expect(noteOf(state, 'x')).toBeUndefined();
    expect(nonceOf(state)).toBe(1);
    expect(payloads.size).toBe(0);
    const bare = begin().finish();
    expect([...changes.keys()].sort()).toEqual(
      [...bare.changes.keys(), nonceCell.key(bytesToHex(ada.key))].sort(),
    );
  });

  it('does not undo what others did to the same note', () => {
    const execution = begin();
    take(execution, put(0, 'x', 'hello', ben));
    take(execution, put(0, 'x', 'no'));
    take(execution, put(1, 'y', 'after'));
    const { state } = execution.finish();
    expect([noteOf(state, 'x'), noteOf(state, 'y')]).toEqual(['hello', 'after']);
  });

  const unknown: [string, Parameters<typeof signed>[1], string][] = [
    ['an unknown contract', { contract: 'nobody' }, 'unknown-contract'],
    ['no contract', { contract: '' }, 'unknown-contract'],
    ['an unknown method', { method: 'nothing' }, 'unknown-method'],
    ['a method of every object', { method: 'toString' }, 'unknown-method'],
    ['the method constructor', { method: 'constructor' }, 'unknown-method'],
    ['the method __proto__', { method: '__proto__' }, 'unknown-method'],
    ['arguments of another shape', { args: [1, 2] }, 'malformed-args'],
    ['no arguments', { args: null }, 'malformed-args'],
    ['an argument too many', { args: { name: 'x', text: 'y', more: 1 } }, 'malformed-args'],
    ['an argument too few', { args: { name: 'x' } }, 'malformed-args'],
    ['an argument too long', { args: { name: 'x'.repeat(65), text: 'y' } }, 'malformed-args'],
  ];

  it.each(unknown)('answers %s', (_, fields, code) => {
    const execution = begin();
    expect(take(execution, signed(ada, fields))).toMatchObject({ ok: false, code, events: [] });
    expect(nonceOf(execution.finish().state)).toBe(1);
  });

  it('quotes whatever the sender wrote, in a receipt that can be encoded and decoded', () => {
    const texts = [
      '\ufeff',
      `a\ufeff${'b'.repeat(50)}`,
      '\u{1f600}'.repeat(400),
      `${'x'.repeat(283)}\u{1f600}`,
      '\0',
      '"\\\n',
      '水'.repeat(5000),
    ];
    const attempts: Parameters<typeof signed>[1][] = [
      ...texts.map((words) => ({ args: { name: 'x', text: 'y', [words]: 1 } })),
      ...texts.map((words) => ({ contract: 'shelf', method: 'echo', args: `-${words}` })),
      ...texts.filter((words) => words.length < 20).map((words) => ({ contract: `c${words}` })),
    ];
    for (const fields of attempts) {
      const execution = begin();
      const receipt = take(execution, signed(ada, fields));
      expect(receipt.ok).toBe(false);
      expect(decodeReceipt(encodeReceipt(receipt))).toEqual(receipt);
      expect(receipt.detail!.isWellFormed()).toBe(true);
      expect(receipt.detail!.length).toBeLessThanOrEqual(300);
      execution.finish();
    }
  });
});

describe('a transaction that would make the block invalid', () => {
  const missing = { id: payloadId(utf8ToBytes('nowhere')), size: 7 };
  const short = hold(utf8ToBytes('short'));
  const cases: [string, VerifiedTransaction, string][] = [
    ['from a stranger', signed(account('eve')), 'unknown-sender'],
    ['with a nonce that is ahead', put(1, 'x', 'y'), 'wrong-nonce'],
    ['of another level', signed(ada, { level: 2 }), 'wrong-level'],
    ['whose payload is not held', signed(ada, { payloads: [missing] }), 'missing-payload'],
    ['whose payload has another size', signed(ada, { payloads: [{ ...short, size: 4 }] }), 'missing-payload'],
    ['with one of two payloads held', signed(ada, { payloads: [short, missing] }), 'missing-payload'],
  ];

  it.each(cases)('%s is not taken and changes nothing', (_, transaction, reason) => {
    const execution = begin(genesisState(), 3);
    expect(reasonOf(execution, transaction)).toBe(reason);
    expect(execution.transactions).toEqual([]);
    const executed = execution.finish();
    expect(executed.receipts.length).toBe(1);
    expect(bytesToHex(executed.stateRoot)).toBe(rootOf(begin(genesisState(), 3)));
  });

  it('the same one twice is not taken twice', () => {
    const execution = begin();
    const once = put(0, 'x', 'y');
    expect(reasonOf(execution, once)).toBe('taken');
    expect(reasonOf(execution, once)).toBe('wrong-nonce');
    const { state } = execution.finish();
    expect(reasonOf(begin(state, 0, 2), once)).toBe('wrong-nonce');
    expect(reasonOf(begin(state, 0, 2), put(1, 'x', 'z'))).toBe('taken');
  });

  it('level 0 goes into a block of any level, others into their own alone', () => {
    const levels = (block: number): string[] =>
      [0, 2, 3].map((level) => reasonOf(begin(genesisState(), block), signed(ada, { level })));
    expect(levels(0)).toEqual(['taken', 'wrong-level', 'wrong-level']);
    expect(levels(2)).toEqual(['taken', 'taken', 'wrong-level']);
    expect(levels(3)).toEqual(['taken', 'wrong-level', 'taken']);
  });

  it('is one too many', () => {
    const execution = begin();
    for (let nonce = 0; nonce < limits.transactionsPerBlockMax; nonce += 1)
      take(execution, put(nonce, 'x', 'y'));
    expect(reasonOf(execution, put(limits.transactionsPerBlockMax, 'x', 'y'))).toBe('block-full');
  });

  it('has too many bytes beside those before it, and a smaller one still fits', () => {
    const execution = begin();
    const fat = (nonce: number): VerifiedTransaction =>
      signed(ada, { nonce, contract: 'shelf', method: 'echo', args: 'x'.repeat(60_000) });
    let bytes = 0;
    let nonce = 0;
    for (; bytes + fat(nonce).size <= limits.transactionBytesPerBlockMax; nonce += 1) {
      bytes += fat(nonce).size;
      take(execution, fat(nonce));
    }
    expect(nonce).toBe(15);
    expect(reasonOf(execution, fat(nonce))).toBe('block-full');
    expect(reasonOf(execution, put(nonce, 'x', 'y'))).toBe('taken');
  });

  it('announces too many payload bytes, which do not count once it is not taken', () => {
    // The same payload again and again is announced, and pulled, each time.
    const big = hold(new Uint8Array(limits.payloadBytesMax));
    const execution = begin();
    const four = (nonce: number, count: number): VerifiedTransaction =>
      signed(ada, { nonce, payloads: Array.from({ length: count }, () => big) });
    expect(reasonOf(execution, four(0, 4))).toBe('taken');
    expect(reasonOf(execution, four(7, 3))).toBe('wrong-nonce');
    expect(reasonOf(execution, four(1, 3))).toBe('taken');
    expect(reasonOf(execution, four(2, 2))).toBe('block-full');
    expect(reasonOf(execution, four(2, 1))).toBe('taken');
    expect(reasonOf(execution, signed(ada, { nonce: 3, payloads: [short] }))).toBe('block-full');
  });
});

describe('a bug in a contract', () => {
  it('is thrown, not turned into a refusal', () => {
    expect(() => begin().take(put(0, 'x', 'bug'))).toThrow('a bug of the contract');
  });
});

describe('an execution', () => {
  it('begins every block with beginBlock, whose receipt comes first', () => {
    const { state, receipts, receiptsRoot } = begin(genesisState(), 0, 7).finish();
    expect(receipts).toEqual([
      {
        transaction: null,
        ok: true,
        code: null,
        detail: null,
        events: [{ contract: 'notes', kind: 'began', fields: { height: 7 } }],
      },
    ]);
    expect(new Map(treeEntries(state)).get('notes/began')).toEqual(Uint8Array.of(7));
    expect(receiptsRoot).toEqual(merkleRoot(receipts.map(encodeReceipt)));
  });

  it('gives the same roots for the same input, and other roots for another order', () => {
    const run = (...transactions: VerifiedTransaction[]) => {
      const execution = begin();
      for (const transaction of transactions) take(execution, transaction);
      const { stateRoot, receiptsRoot } = execution.finish();
      return [bytesToHex(stateRoot), bytesToHex(receiptsRoot)];
    };
    const [a, b] = [put(0, 'x', 'from ada', ada), put(0, 'x', 'from ben', ben)];
    expect(run(a, b)).toEqual(run(a, b));
    expect(run(a, b)[0]).not.toBe(run(b, a)[0]);
    expect(run(a, b)[1]).not.toBe(run(b, a)[1]);
  });

  it('leaves the parent’s state as it was, and its changes lead from that to the new one', () => {
    const parent = genesisState();
    const before = bytesToHex(treeRoot(parent));
    const execution = begin(parent);
    take(execution, put(0, 'x', 'y'));
    const { state, stateRoot } = execution.finish();
    expect(bytesToHex(treeRoot(parent))).toBe(before);
    expect(treeRoot(state)).toEqual(stateRoot);
    expect(bytesToHex(stateRoot)).not.toBe(before);
  });

  it('on the empty state works too', () => {
    const executed = beginExecution(
      { ...protocol, contracts: [] },
      emptyTree,
      context(1),
      0,
      payloadOf,
    ).finish();
    expect(bytesToHex(executed.stateRoot)).toBe('00'.repeat(32));
  });

  it('seals a header whose every field follows from the block', () => {
    const execution = begin(genesisState(), 3);
    const transactions = [put(0, 'x', 'y'), signed(ada, { nonce: 1, level: 3 })];
    for (const transaction of transactions) take(execution, transaction);
    const executed = execution.finish();
    const parentVotes = [{ voter: ada.key, period: 0, signature: new Uint8Array(64) }];
    const seed = { seed: sha256(utf8ToBytes('s')), proof: new Uint8Array(80) };
    const body = { transactions: execution.transactions.map(({ transaction }) => transaction), parentVotes };
    const header = sealHeader(context(1), chainId, 3, seed, body, executed);
    expect(header).toMatchObject({
      chainId,
      height: 1,
      level: 3,
      time: 1000,
      parent: chainId,
      leader: ada.key,
      seed: seed.seed,
      seedProof: seed.proof,
      receiptsRoot: merkleRoot(executed.receipts.map(encodeReceipt)),
      nextRingRoot: sha256(utf8ToBytes('ring of 2')),
      stateRoot: treeRoot(executed.state),
    });
    expect(body.transactions).toEqual(transactions.map(({ transaction }) => transaction));
    expect(rootsMatch({ header, ...body })).toBe(true);
  });

  it('shows participants sorted by key, whatever the order of the votes', () => {
    const votes = [ben, ada].map(({ key }) => ({ voter: key, period: 0, signature: new Uint8Array(64) }));
    const sorted = [ada.key, ben.key].sort(compareBytes);
    expect(participantsOf(votes)).toEqual(sorted);
    expect(participantsOf([...votes].reverse())).toEqual(sorted);
  });
});
