import { describe, expect, it } from 'vitest';
import { checkHistory, type Rule } from '../../faults/checker.js';
import type { ChainBlock, Head, History, Looked, Seen, Submitted } from '../../faults/history.js';

const block = (height: number, ...transactions: readonly [string, string, number][]): ChainBlock => ({
  height,
  hash: `h${height}`,
  parent: `h${height - 1}`,
  time: 1_000 * height,
  transactions: transactions.map(([tx, from, nonce]) => ({ tx, from, nonce })),
});

/** Three blocks: ada sends a then c, ben sends b; zoe, whom no client signs for, sends z. */
const chain = [
  block(1, ['a', 'ada', 0], ['b', 'ben', 0]),
  block(2),
  block(3, ['z', 'zoe', 0], ['c', 'ada', 1]),
];

const submitted = (tx: string, start: number, change: Partial<Submitted> = {}): Submitted => {
  return { kind: 'submitted', client: 0, node: 0, tx, start, end: start + 5, outcome: 'accepted', ...change };
};
const looked = (tx: string, start: number, place: Looked['place'], node = 0): Looked => {
  return { kind: 'looked', client: 0, node, tx, start, end: start + 5, place };
};
const head = (node: number, start: number, height: number, change: Partial<Head> = {}): Head => {
  return { kind: 'head', node, start, end: start + 5, height, hash: `h${height}`, ...change };
};
const at = (height: number, index: number, ok = true) => ({ height, index, ok });

const seen: readonly Seen[] = [
  submitted('a', 0),
  submitted('b', 1, { node: 1 }),
  looked('a', 10, null, 1),
  looked('a', 50, at(1, 0)),
  head(0, 60, 1),
  submitted('c', 70, { outcome: 'unsure' }),
  submitted('c', 90, { node: 1 }),
  looked('b', 100, at(1, 1), 1),
  looked('c', 190, at(3, 1), 1),
  head(0, 200, 3),
  head(1, 200, 3),
];
const honest: History = {
  seen,
  kills: [],
  chains: [chain, chain],
  senders: ['ada', 'ben'],
  genesis: 'h0',
};
const and = (...more: readonly Seen[]): History => ({ ...honest, seen: [...seen, ...more] });
const withChains = (...chains: History['chains']): History => ({ ...honest, chains });
const found = (history: History): readonly Rule[] => [
  ...new Set(checkHistory(history).findings.map(({ rule }) => rule)),
];

describe('the history checker', () => {
  it('finds nothing in a history that is one order, and counts it', () => {
    expect(checkHistory(honest)).toEqual({
      findings: [],
      submitted: 3,
      accepted: 3,
      acknowledged: 3,
      acknowledgedLost: 0,
      acceptedLost: 0,
      heights: 3,
      forks: 0,
      reads: 7,
    });
  });

  const forged: readonly [string, readonly Rule[], History][] = [
    [
      'two hashes at one height',
      ['fork'],
      withChains(chain, [chain[0]!, chain[1]!, { ...chain[2]!, hash: 'x' }]),
    ],
    ['a head that is not the block of its height', ['fork'], and(head(2, 300, 2, { hash: 'x' }))],
    ['no blocks at all', ['no-chain', 'head-differs', 'acknowledged-lost', 'accepted-lost'], withChains([])],
    ['a node with fewer blocks', ['no-chain'], withChains(chain, chain.slice(0, 2))],
    ['a node without blocks', ['no-chain'], withChains(chain, [])],
    [
      'a block on another parent',
      ['broken-chain'],
      withChains([chain[0]!, { ...chain[1]!, parent: 'x' }, chain[2]!]),
    ],
    ['a first block on another genesis', ['broken-chain'], { ...honest, genesis: 'x' }],
    [
      'a time that stands still',
      ['broken-chain'],
      withChains([chain[0]!, { ...chain[1]!, time: 1_000 }, chain[2]!]),
    ],
    [
      'a transaction in two blocks',
      ['twice', 'nonce-order'],
      withChains([chain[0]!, block(2, ['b', 'ben', 0]), chain[2]!]),
    ],
    [
      'a nonce left out',
      ['nonce-order'],
      withChains([chain[0]!, chain[1]!, block(3, ['z', 'zoe', 0], ['c', 'ada', 2])]),
    ],
    [
      "a sender's transactions the wrong way round",
      ['nonce-order', 'acknowledged-elsewhere', 'not-one-order'],
      withChains([block(1, ['c', 'ada', 1], ['b', 'ben', 0]), chain[1]!, block(3, ['a', 'ada', 0])]),
    ],
    [
      'a transaction that no client sent',
      ['not-submitted'],
      withChains([chain[0]!, block(2, ['y', 'ben', 1]), chain[2]!]),
    ],
    ['a head that goes back', ['head-went-back'], and(head(1, 300, 2))],
    ['a head above the chain', ['head-differs'], and(head(1, 300, 4))],
    ['a place that moves', ['moved', 'acknowledged-elsewhere'], and(looked('a', 300, at(2, 0)))],
    ['a receipt that changes', ['moved'], and(looked('a', 300, at(1, 0, false)))],
    ['a transaction unlearnt by the node that told it', ['unseen-again'], and(looked('b', 300, null, 1))],
    [
      'a transaction unknown to a node whose head was above it',
      ['unseen-again'],
      and(looked('c', 300, null, 0)),
    ],
    [
      'an acknowledged transaction in no block',
      ['acknowledged-lost', 'accepted-lost'],
      withChains([chain[0]!, chain[1]!, block(3)]),
    ],
    [
      'an acknowledged transaction at another index',
      ['acknowledged-elsewhere'],
      withChains([chain[0]!, chain[1]!, block(3, ['c', 'ada', 1])]),
    ],
    ['an accepted transaction in no block', ['accepted-lost'], and(submitted('d', 300))],
    [
      'an accepted transaction in no block, of a node killed before it took it',
      ['accepted-lost'],
      { ...and(submitted('d', 300)), kills: [{ node: 0, at: 299 }] },
    ],
    [
      'a transaction handed in after one was seen that stands behind it',
      ['not-one-order'],
      {
        ...and(submitted('d', 300)),
        chains: [chain, chain].map(([first, , last]) => [first!, block(2, ['d', 'ben', 1]), last!]),
      },
    ],
  ];

  it.each(forged)('refuses %s', (_, expected, history) => {
    expect(found(history)).toEqual(expected);
  });

  const lawful: readonly [string, History][] = [
    [
      'an accepted transaction that its node lost when it was killed',
      { ...and(submitted('d', 300)), kills: [{ node: 0, at: 301 }] },
    ],
    ['a refused transaction in no block', and(submitted('d', 300, { outcome: 'refused' }))],
    ['a submission without an answer in no block', and(submitted('d', 300, { outcome: 'unsure' }))],
    ['a node that does not know yet what another told', and(looked('a', 55, null, 1))],
    ['two reads of heads that overlap, in either order', and(head(1, 201, 2))],
    ['a transaction handed in while the later one was being seen', and(submitted('b', 194))],
  ];

  it.each(lawful)('lets pass %s', (_, history) => {
    expect(found(history)).toEqual([]);
  });

  it('tells at most five findings a rule, and goes on counting forks', () => {
    const long = Array.from({ length: 50 }, (_, i) => block(i + 1));
    const other = long.map((one) => ({ ...one, hash: `x${one.height}`, parent: `x${one.height - 1}` }));
    const checked = checkHistory({ ...honest, seen: [], chains: [long, other] });
    expect(checked.findings.filter(({ rule }) => rule === 'fork')).toHaveLength(5);
    expect(checked.forks).toBe(50);
  });
});
