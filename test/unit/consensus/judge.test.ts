import { describe, expect, it } from 'vitest';
import {
  asVerified,
  type Block,
  decodeBlock,
  decodeTransaction,
  encodeBlock,
  encodeTransaction,
  limits,
  nonceCell,
  type ParentVote,
  parentVotesRoot,
  signTransaction,
  type Transaction,
  transactionsRoot,
} from '../../../chain/index.js';
import {
  BLOCK_TIME_MAX,
  type BlockFault,
  buildBlock,
  emptyBlock,
  judgeBlock,
  judgeEmpty,
  parentVotesFault,
  proveSeed,
} from '../../../consensus/index.js';
import { closedRoundCell, ledgerCell, modelCell, roundCell } from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import {
  certVotes,
  createTestChain,
  dataset,
  declareCall,
  publicTask,
  publishCall,
  startTask,
  type TestChain,
  toParentVotes,
  updateCall,
} from '../../support/chain.js';

type Header = Block['header'];

/** A chain at height 2, and a valid block 3 with two transactions that nobody has adopted. */
function atTwo() {
  const test = createTestChain();
  test.block([publishCall(test, publicTask({ enrolMs: 1_000_000 }))]);
  test.block([]);
  const [a, b] = test.devices as [never, never];
  const { block } = test.build([test.sign(declareCall(a)), test.sign(declareCall(b))]);
  return { test, block };
}

const withHeader = (block: Block, change: Partial<Header>): Block => ({
  ...block,
  header: { ...block.header, ...change },
});

/** Another body under a header that names it: what a leader could sign. */
function reseal(block: Block, body: Partial<Block>, change: Partial<Header> = {}): Block {
  const next = { ...block, ...body };
  const roots = { transactionsRoot: transactionsRoot(next), parentVotesRoot: parentVotesRoot(next) };
  return withHeader(next, { ...roots, ...change });
}

const flipped = (bytes: Uint8Array) => bytes.map((byte, i) => (i === 5 ? byte ^ 1 : byte));
const faultOf = (test: TestChain, block: Block): BlockFault | null => {
  const judgement = test.judge(block);
  return judgement.ok ? null : judgement.reason;
};

/** The same transaction, changed and signed again by its sender. */
function resign(test: TestChain, transaction: Transaction, change: Partial<Transaction>): Transaction {
  const { signature: _, ...unsigned } = { ...transaction, ...change };
  const people = [...test.devices, ...test.validators, test.publisher];
  const sender = people.find(({ publicKey }) => Buffer.compare(publicKey, unsigned.from) === 0);
  return signTransaction(unsigned, sender?.secret ?? new Uint8Array(32));
}

describe('judgeBlock', () => {
  it('takes a valid block, and finds what its builder found', () => {
    const { test, block } = atTwo();
    const judgement = test.judge(decodeBlock(encodeBlock(block)));
    if (!judgement.ok) throw new Error(judgement.detail);
    const built = test.build(block.transactions.map((transaction) => asVerified(transaction, 0)));
    expect(judgement.judged.executed.stateRoot).toEqual(built.executed.stateRoot);
    expect(judgement.judged.tip).toMatchObject({ height: 3, leader: block.header.leader });
    expect(judgement.judged.tip.committee.length).toBe(4);
  });

  const headers: readonly [string, BlockFault, (test: TestChain, block: Block) => Partial<Header>][] = [
    ['another chain', 'wrong-chain', ({ chain }) => ({ chainId: flipped(chain.chainId) })],
    ['the height of its parent', 'wrong-height', () => ({ height: 2 })],
    ['a height left out', 'wrong-height', () => ({ height: 4 })],
    ['another parent', 'wrong-parent', ({ tip }) => ({ parent: flipped(tip.hash) })],
    ['its grandparent as parent', 'wrong-parent', ({ blocks }) => ({ parent: blocks[0]!.hash })],
    ['the time of its parent', 'wrong-time', ({ tip }) => ({ time: tip.time })],
    ['a time beyond all clocks', 'wrong-time', () => ({ time: BLOCK_TIME_MAX + 1 })],
    ['the last time that a number holds', 'wrong-time', () => ({ time: Number.MAX_SAFE_INTEGER })],
    ['no leader', 'wrong-leader', () => ({ leader: null })],
    [
      'a leader that was not drawn, with a proof of its own',
      'wrong-leader',
      (test) => {
        const usurper = test.validators.find((who) => who !== test.leader())!;
        const { seed, proof } = proveSeed(usurper.vrfSecret, 3, test.tip.seed);
        return { leader: usurper.publicKey, seed, seedProof: proof };
      },
    ],
    ['no proof of its seed', 'wrong-seed', () => ({ seedProof: null })],
    ['another seed than proved', 'wrong-seed', (_, { header }) => ({ seed: flipped(header.seed) })],
    [
      'a proof for another height',
      'wrong-seed',
      (test) => {
        const { seed, proof } = proveSeed(test.leader().vrfSecret, 4, test.tip.seed);
        return { seed, seedProof: proof };
      },
    ],
    [
      'a proof by another key',
      'wrong-seed',
      (test) => {
        const other = test.validators.find((who) => who !== test.leader())!;
        const { seed, proof } = proveSeed(other.vrfSecret, 3, test.tip.seed);
        return { seed, seedProof: proof };
      },
    ],
    ['other transactions', 'wrong-roots', () => ({ transactionsRoot: new Uint8Array(32) })],
    ['other parent votes', 'wrong-roots', () => ({ parentVotesRoot: new Uint8Array(32) })],
    ['a level that its transactions have not', 'bad-transaction', () => ({ level: 1 })],
    ['other receipts', 'wrong-receipts', ({ tip }) => ({ receiptsRoot: tip.hash })],
    ['another ring', 'wrong-ring', ({ tip }) => ({ nextRingRoot: tip.hash })],
    ['another state', 'wrong-state', ({ tip }) => ({ stateRoot: tip.hash })],
    [
      'the state of its parent',
      'wrong-state',
      ({ blocks }) => ({ stateRoot: blocks[1]!.executed.stateRoot }),
    ],
  ];
  it.each(headers)('refuses a header that names %s: %s', (_, fault, change) => {
    const { test, block } = atTwo();
    expect(faultOf(test, withHeader(block, change(test, block)))).toBe(fault);
  });

  const bodies: readonly [string, BlockFault, (test: TestChain, block: Block) => Partial<Block>][] = [
    [
      'without a transaction',
      'wrong-roots',
      (_, { transactions }) => ({ transactions: transactions.slice(1) }),
    ],
    [
      'in another order',
      'wrong-roots',
      (_, { transactions }) => ({ transactions: [...transactions].reverse() }),
    ],
    ['without a parent vote', 'wrong-roots', (_, { parentVotes }) => ({ parentVotes: parentVotes.slice(1) })],
  ];
  it.each(bodies)('refuses the body %s', (_, fault, body) => {
    const { test, block } = atTwo();
    expect(faultOf(test, { ...block, ...body(test, block) })).toBe(fault);
  });

  it('refuses more bytes than a block may have, before it looks at them', () => {
    const { test, block } = atTwo();
    const args = new Uint8Array(60_000);
    const transactions = Array.from({ length: 18 }, (_, nonce) =>
      resign(test, block.transactions[0]!, { args, nonce: nonce + 10 }),
    );
    const large = reseal(block, { transactions });
    expect(encodeBlock(large).length).toBeGreaterThan(limits.blockBytesMax);
    expect(faultOf(test, large)).toBe('oversize');
  });

  const senders: readonly [string, string, (test: TestChain, first: Transaction) => Transaction][] = [
    [
      'a signature that does not verify',
      'bad-signature',
      (_, t) => ({ ...t, signature: flipped(t.signature) }),
    ],
    ['arguments changed after signing', 'bad-signature', (_, t) => ({ ...t, args: { dataset } })],
    ['another chain’s id', 'wrong-chain', (test, t) => resign(test, t, { chainId: new Uint8Array(32) })],
    ['a nonce ahead', 'wrong-nonce', (test, t) => resign(test, t, { nonce: t.nonce + 1 })],
    ['a level other than the block’s', 'wrong-level', (test, t) => resign(test, t, { level: 3 })],
    [
      'a sender without an account',
      'unknown-sender',
      (test, t) =>
        signTransaction({ ...t, from: stranger.publicKey, chainId: test.chain.chainId }, stranger.secret),
    ],
    [
      'a payload that nobody holds',
      'missing-payload',
      (test, t) => resign(test, t, { payloads: [{ id: new Uint8Array(32), size: 10 }] }),
    ],
  ];
  const stranger = createTestChain({ hospitals: 5 }).validators[4]!;
  it.each(senders)('refuses a transaction with %s: %s', (_, reason, change) => {
    const { test, block } = atTwo();
    const [first, second] = block.transactions as [Transaction, Transaction];
    for (const index of [0, 1]) {
      const changed = change(test, index === 0 ? first : second);
      const transactions = index === 0 ? [changed, second] : [first, changed];
      expect(test.judge(reseal(block, { transactions }))).toMatchObject({
        ok: false,
        reason: 'bad-transaction',
        detail: `transaction ${index}: ${reason}`,
        transaction: index,
      });
    }
  });

  it('refuses a transaction twice, in one block and in the next', () => {
    const { test, block } = atTwo();
    const [first] = block.transactions as [Transaction];
    expect(faultOf(test, reseal(block, { transactions: [first, first] }))).toBe('bad-transaction');
    const judgement = test.judge(block);
    if (judgement.ok) test.adopt(judgement.judged);
    const next = test.build([]).block;
    expect(faultOf(test, reseal(next, { transactions: [first] }))).toBe('bad-transaction');
  });

  it('refuses transactions of two levels, and a level that the header hides', () => {
    const { test, block } = atTwo();
    const { publisher } = test;
    const levels = [1, 2].map((level, nonce) => {
      const spec = publicTask({ level });
      return test.sign({ ...publishCall(test, spec), from: publisher }, nonce).transaction;
    });
    expect(faultOf(test, reseal(block, { transactions: levels }, { level: 1 }))).toBe('bad-transaction');
    expect(faultOf(test, reseal(block, { transactions: levels.slice(0, 1) }))).toBe('bad-transaction');
    const alone = test.build([test.sign(publishCall(test, publicTask()))]).block;
    expect(alone.header.level).toBe(1);
    expect(faultOf(test, alone)).toBeNull();
  });

  it('refuses a payload of another length than announced', () => {
    const { test, block } = atTwo();
    const call = { ...declareCall(test.devices[0]!), payloads: [Uint8Array.of(1, 2, 3)] };
    const { transaction } = test.sign(call);
    const [ref] = transaction.payloads;
    const lying = resign(test, transaction, { payloads: [{ id: ref!.id, size: 4 }] });
    expect(faultOf(test, reseal(block, { transactions: [lying] }))).toBe('bad-transaction');
  });
});

describe('parent votes', () => {
  function votesOf(test: TestChain, period = 0): ParentVote[] {
    const { chain, tip, secretOf } = test;
    return toParentVotes(certVotes(chain.chainId, tip, tip.committee, secretOf, period));
  }

  const table: readonly [string, string | null, (test: TestChain, votes: ParentVote[]) => ParentVote[]][] = [
    ['of all members', null, (_, votes) => votes],
    ['of a quorum', null, (_, votes) => votes.slice(1)],
    ['of a later period', null, (test) => votesOf(test, 7)],
    ['that are no quorum', '2 votes are no quorum', (_, votes) => votes.slice(2)],
    ['that are none', '0 votes are no quorum', () => []],
    ['unsorted', 'not sorted by voter', (_, votes) => [...votes].reverse()],
    ['of one member twice', 'not sorted by voter', (_, [a, b, c]) => [a!, a!, b!, c!]],
    [
      'of an outsider',
      'a voter outside the committee',
      (test, votes) => {
        const { device, tip } = { device: test.devices[0]!, tip: test.tip };
        const seat = { publicKey: device.publicKey, vrfPublicKey: device.publicKey, weight: 1 };
        const [own] = toParentVotes(certVotes(test.chain.chainId, tip, [seat], () => device));
        return [...votes, own!].sort((a, b) => Buffer.compare(a.voter, b.voter));
      },
    ],
    [
      'with a signature that is another’s',
      'a signature that does not verify',
      (_, votes) => votes.map((vote, i) => (i === 2 ? { ...vote, signature: votes[1]!.signature } : vote)),
    ],
    [
      'for the grandparent',
      'a signature that does not verify',
      ({ chain, blocks, secretOf }) => {
        const { tip } = blocks[0]!;
        return toParentVotes(certVotes(chain.chainId, tip, tip.committee, secretOf));
      },
    ],
    [
      'of two periods',
      'votes of more than one period',
      (test, votes) => [...votes.slice(0, 3), votesOf(test, 1)[3]!],
    ],
    [
      'said to be of another period than signed',
      'a signature that does not verify',
      (_, votes) => votes.map((vote) => ({ ...vote, period: 1 })),
    ],
  ];
  it.each(table)('%s: %s', (_, fault, change) => {
    const { test, block } = atTwo();
    const votes = change(test, votesOf(test));
    expect(parentVotesFault(test.tip, votes)).toBe(fault);
    const judgement = test.judge(reseal(block, { parentVotes: votes }));
    // Other valid votes count otherwise in the state; invalid ones never get that far.
    const expected = fault === null ? [undefined, 'wrong-state'] : ['wrong-parent-votes'];
    expect(expected).toContain(judgement.ok ? undefined : judgement.reason);
  });

  it('at height 1 are none', () => {
    const test = createTestChain();
    const { block } = test.build([]);
    expect(faultOf(test, block)).toBeNull();
    const later = atTwo().test.parentVotes;
    expect(later.length).toBe(4);
    expect(faultOf(test, reseal(block, { parentVotes: later }))).toBe('wrong-parent-votes');
  });

  it('after an empty block are for that block', () => {
    const { test } = atTwo();
    test.empty();
    expect(test.parentVotes.length).toBe(4);
    expect(faultOf(test, test.build([]).block)).toBeNull();
  });
});

describe('the empty block', () => {
  it('is the same for everybody, whatever votes and transactions they hold', () => {
    const [one, two] = [atTwo().test, atTwo().test];
    two.sign(declareCall(two.devices[2]!));
    const empties = [one, one, two].map((test) => emptyBlock(test.chain.rules, test.tip, test.closings()));
    expect(new Set(empties.map(({ hash }) => bytesToHex(hash))).size).toBe(1);
    const { block } = empties[0]!;
    expect(block).toMatchObject({ transactions: [], parentVotes: [] });
    expect(block.header).toMatchObject({ leader: null, seedProof: null, level: 0, height: 3 });
    expect(block.header.time).toBe(one.tip.time + 1);
  });

  it('is not the leader’s block without transactions', () => {
    const { test } = atTwo();
    const led = test.build([]);
    expect(led.hash).not.toEqual(emptyBlock(test.chain.rules, test.tip, test.closings()).hash);
  });

  const changes: readonly [string, BlockFault, Partial<Header>][] = [
    ['time', 'wrong-roots', { time: 1_700_000_000_099 }],
    ['seed', 'wrong-roots', { seed: new Uint8Array(32) }],
    ['chain', 'wrong-chain', { chainId: new Uint8Array(32) }],
    ['height', 'wrong-height', { height: 9 }],
    ['level', 'wrong-roots', { level: 1 }],
    ['parent', 'wrong-parent', { parent: new Uint8Array(32) }],
    ['proof', 'wrong-roots', { seedProof: new Uint8Array(80) }],
    ['receipts', 'wrong-receipts', { receiptsRoot: new Uint8Array(32) }],
    ['ring', 'wrong-ring', { nextRingRoot: new Uint8Array(32) }],
    ['state', 'wrong-state', { stateRoot: new Uint8Array(32) }],
  ];
  it.each(changes)('with another %s is none: %s', (_, fault, change) => {
    const { test } = atTwo();
    const { rules } = test.chain;
    const { block } = emptyBlock(rules, test.tip, test.closings());
    expect(judgeEmpty(rules, test.tip, block, test.closings()).ok).toBe(true);
    const judgement = judgeEmpty(rules, test.tip, withHeader(block, change), test.closings());
    expect(judgement).toMatchObject({ ok: false, reason: fault });
  });

  it('with a body is none', () => {
    const { test, block: led } = atTwo();
    const { rules } = test.chain;
    const { block } = emptyBlock(rules, test.tip, test.closings());
    for (const body of [{ transactions: led.transactions }, { parentVotes: led.parentVotes }]) {
      for (const changed of [{ ...block, ...body }, reseal(block, body)]) {
        const judgement = judgeEmpty(rules, test.tip, changed, test.closings());
        expect(judgement).toMatchObject({ ok: false, reason: 'wrong-roots' });
      }
    }
  });
});

describe('the closing of a round', () => {
  function dueNext(): TestChain {
    const test = createTestChain();
    startTask(test, publicTask({ quorum: 3, devicesMax: 4 }));
    const three = test.devices.slice(0, 3);
    test.block(
      three.map((device) => updateCall(test, device, 1)),
      test.tip.time + 600,
    );
    test.block([]);
    return test;
  }

  it('is over the updates of earlier blocks: the leader of its block adds none', () => {
    const [without, withLate] = [dueNext(), dueNext()];
    without.block([]);
    const late = withLate.block([updateCall(withLate, withLate.devices[3]!, 1)]);
    expect(late.executed.receipts[1]!.events.map(({ kind }) => kind)).toEqual(['late']);
    expect(modelCell.get(withLate.state, 1)).toEqual(modelCell.get(without.state, 1));
    expect(closedRoundCell.get(withLate.state, 1, 1)).toEqual(closedRoundCell.get(without.state, 1, 1));
    expect(closedRoundCell.get(withLate.state, 1, 1)!.verdicts.length).toBe(3);
    expect(roundCell.get(withLate.state, 1)!.updates).toEqual([]);
  });

  it('runs in the empty block as well', () => {
    const test = dueNext();
    test.empty();
    expect(closedRoundCell.get(test.state, 1, 1)!.status).toBe('closed');
  });

  it('with another verdict than ours makes the block’s state wrong', () => {
    const test = dueNext();
    const honest = test.closings();
    const [id, outcome] = [...honest][0]!;
    const weights = outcome.weights.slice();
    weights[0]! ^= 1;
    const forged = new Map([[id, { ...outcome, weights }]]);
    const built = buildBlock(test.chain.rules, test.tip, test.draft([]), forged, test.payloadOf);
    expect(judgeBlock(test.chain.rules, test.tip, built.block, honest, test.payloadOf)).toMatchObject({
      ok: false,
      // The receipt of the block's beginning names the model.
      reason: 'wrong-receipts',
    });
    const hidden = withHeader(built.block, { receiptsRoot: test.build([]).block.header.receiptsRoot });
    expect(faultOf(test, hidden)).toBe('wrong-state');
  });
});

describe('buildBlock', () => {
  it('leaves out what cannot stand here, and takes its level from what can', () => {
    const { test } = atTwo();
    const [a] = test.devices as [never];
    const gap = test.sign({ ...publishCall(test, publicTask({ level: 9 })) }, 5);
    const first = test.sign(publishCall(test, publicTask({ level: 2 })));
    const other = test.sign({ ...declareCall(a), level: 3 });
    const again = test.sign(publishCall(test, publicTask({ level: 2 })), 1);
    const { block } = test.build([gap, first, other, again]);
    expect(block.header.level).toBe(2);
    expect(block.transactions).toEqual([first.transaction, again.transaction]);
    expect(faultOf(test, block)).toBeNull();
  });

  it('takes a device’s declaration and its task transaction after it', () => {
    const { test } = atTwo();
    const [a] = test.devices as [never];
    const declare = test.sign(declareCall(a));
    const next = test.sign({ ...declareCall(a, { dataset: new Uint8Array(32) }), level: 1 }, 1);
    const { block } = test.build([declare, next]);
    expect(block.header.level).toBe(1);
    expect(block.transactions.length).toBe(2);
  });

  it('stops before a block is too large', () => {
    const { test } = atTwo();
    const [a] = test.devices as [never];
    const call = { ...declareCall(a), args: new Uint8Array(60_000) };
    const { block } = test.build(Array.from({ length: 30 }, (_, ahead) => test.sign(call, ahead)));
    expect(encodeBlock(block).length).toBeLessThanOrEqual(limits.blockBytesMax);
    expect(block.transactions.length).toBeGreaterThan(10);
    expect(block.transactions.length).toBeLessThan(18);
    expect(faultOf(test, block)).toBeNull();
  });

  it('gets no transaction that decodes alone and in no block', () => {
    const { test } = atTwo();
    let args: unknown = 1;
    let deepest = 0;
    for (let depth = 1; depth <= 16; depth += 1) {
      args = [args];
      const { transaction } = test.sign({ ...declareCall(test.devices[0]!), args });
      const encoded = encodeTransaction(transaction);
      const alone = succeeds(() => decodeTransaction(encoded));
      const inBlock = succeeds(() =>
        decodeBlock(encodeBlock(test.build([test.sign({ ...declareCall(test.devices[0]!), args })]).block)),
      );
      expect(!alone || inBlock, `depth ${depth}`).toBe(true);
      if (alone) deepest = depth;
    }
    expect(deepest).toBeGreaterThan(6);
  });
});

function succeeds(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

it('a refused call consumes its nonce and nothing else', () => {
  const test = createTestChain();
  const device = test.devices[0]!;
  const id = bytesToHex(device.publicKey);
  expect(test.refusal(declareCall(device, { epsilonMicro: 0 }))).toBe('malformed-args');
  expect(nonceCell.get(test.state, id)).toBe(1);
  expect(ledgerCell.get(test.state, id, bytesToHex(dataset))).toBeNull();
});
