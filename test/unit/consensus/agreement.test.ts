// Over 500 lines: one table a row of the vote table of docs/agreement.md, kept together so that none is missed.
import { describe, expect, it } from 'vitest';
import { apply, certVotesOf } from '../../../consensus/index.js';
import { E, held, proposal, type Row, run, table, timer, vote, votes } from './member.js';

const NEXT = '0:next(⊥)@0 2:next(⊥)@0 3:next(⊥)@0';
const SOFT = '0:soft(v)@0 2:soft(v)@0 3:soft(v)@0';
const activate = { kind: 'activate' } as const;
const STARTED = ['deadline@0 in 1500', 'resend@0 in 500'];

/** Name of the rule, where it starts, and steps with all of their effects. */
const TABLES: readonly [string, Parameters<typeof table>[0], readonly Row[]][] = [
  [
    'propose: the leader, once, when period 0 starts',
    { self: 0 },
    [
      [activate, [...STARTED, 'propose']],
      [activate, []],
      [proposal('v'), ['judge v']],
      [held('v'), ['soft(v)@0']],
    ],
  ],
  ['propose: nobody but the leader', { self: 2 }, [[activate, STARTED]]],
  [
    'propose: not beside a block from before a restart',
    { self: 0 },
    [
      [proposal('v'), [...STARTED, 'judge v']],
      [activate, []],
    ],
  ],
  [
    'propose: not beside an own vote from before a restart',
    { self: 0, ownRecords: [vote(0, 0, 'next', null)] },
    [[activate, []]],
  ],
  [
    'propose: not in a later period',
    { self: 0 },
    [[votes([1, 2, 3], 0, 'next', null), [...STARTED, 'filter@1 in 250', 'deadline@1 in 3000']]],
  ],
  [
    'start: votes from f+1 members start period 0',
    {},
    [
      [votes([2], 0, 'soft', 'v'), []],
      [votes([2], 0, 'cert', 'v'), []],
      [votes([3], 0, 'next', null), STARTED],
    ],
  ],
  [
    'start: timers do nothing before it',
    {},
    [
      [timer('deadline', 0), []],
      [timer('resend', 0), []],
    ],
  ],
  [
    'soft in period 0: the first valid block of the leader, held, once',
    {},
    [
      [proposal('v'), [...STARTED, 'judge v']],
      [proposal('v'), []],
      [held('v'), ['soft(v)@0']],
      [held('v'), []],
      [proposal('w'), ['two proposals v w', 'judge w']],
      [held('w'), []],
    ],
  ],
  [
    'soft in period 0: an invalid block is passed over',
    {},
    [
      [proposal('v'), [...STARTED, 'judge v']],
      [{ kind: 'judged', value: 'v', verdict: 'invalid' }, []],
      [proposal('w'), ['two proposals v w', 'judge w']],
      [held('w'), ['soft(w)@0']],
    ],
  ],
  ['soft in period 0: E_h is no block of the leader', {}, [[proposal(E), ['reject bad-proposal']]]],
  [
    'soft in period 0: a value that others vote for is not enough',
    {},
    [
      [votes([0, 2], 0, 'soft', 'v'), STARTED],
      [held('v'), []],
    ],
  ],
  [
    'soft later: E_h after the filter time, on ⊥',
    {},
    [
      [votes([0, 2, 3], 0, 'next', null), [...STARTED, 'filter@1 in 250', 'deadline@1 in 3000']],
      [timer('filter', 0), []],
      [timer('filter', 1), [`soft(${E})@1 by [0:next(⊥)@0 2:next(⊥)@0 3:next(⊥)@0]`]],
      [timer('filter', 1), []],
    ],
  ],
  [
    'soft later: the carried value after the filter time, without holding it',
    {},
    [
      [votes([0, 2, 3], 0, 'next', 'v'), [...STARTED, 'filter@1 in 250', 'deadline@1 in 3000', 'judge v']],
      [timer('filter', 1), ['soft(v)@1 by [0:next(v)@0 2:next(v)@0 3:next(v)@0]']],
    ],
  ],
  [
    'soft later: ⊥ goes before the carried value',
    {},
    [
      [votes([0, 2, 3], 0, 'next', 'v'), [...STARTED, 'filter@1 in 250', 'deadline@1 in 3000', 'judge v']],
      [votes([0, 2, 3], 0, 'next', null), []],
      [timer('filter', 1), [`soft(${E})@1 by [0:next(⊥)@0 2:next(⊥)@0 3:next(⊥)@0]`]],
    ],
  ],
  [
    'cert: on a soft quorum, held, once',
    {},
    [
      [proposal('v'), [...STARTED, 'judge v']],
      [held('v'), ['soft(v)@0']],
      [votes([1, 2], 0, 'soft', 'v'), []],
      [votes([3], 0, 'soft', 'v'), ['cert(v)@0 by [1:soft(v)@0 2:soft(v)@0 3:soft(v)@0]']],
      [votes([0], 0, 'soft', 'v'), []],
    ],
  ],
  [
    'cert: a soft quorum for a value not held is judged first',
    {},
    [
      [votes([0, 2, 3], 0, 'soft', 'v'), ['judge v', ...STARTED]],
      [held('v'), [`cert(v)@0 by [${SOFT}]`]],
    ],
  ],
  [
    'cert: never after a next vote in the period',
    {},
    [
      [proposal('v'), [...STARTED, 'judge v']],
      [timer('deadline', 0), ['next(⊥)@0']],
      [votes([0, 2, 3], 0, 'soft', 'v'), []],
      [held('v'), [`soft(v)@0 by [${SOFT}]`, `next(v)@0 by [${SOFT}]`]],
    ],
  ],
  [
    'cert: a soft quorum of an earlier period is none of this one',
    {},
    [
      [votes([0, 2, 3], 0, 'next', null), [...STARTED, 'filter@1 in 250', 'deadline@1 in 3000']],
      [votes([0, 2, 3], 0, 'soft', E), []],
      [
        votes([0, 2, 3], 1, 'soft', E),
        [`cert(${E})@1 by [${NEXT} 0:soft(${E})@1 2:soft(${E})@1 3:soft(${E})@1]`],
      ],
    ],
  ],
  [
    'next: the own cert, and nothing else afterwards',
    {},
    [
      [proposal('v'), [...STARTED, 'judge v']],
      [held('v'), ['soft(v)@0']],
      [votes([0, 2, 3], 0, 'soft', 'v'), [`cert(v)@0 by [${SOFT}]`]],
      [timer('deadline', 0), [`next(v)@0 by [${SOFT}]`]],
      [timer('deadline', 0), []],
      [votes([2], 0, 'next', null), []],
    ],
  ],
  [
    'next: a value with a soft quorum, once it is held, after ⊥',
    {},
    [
      [votes([0, 2, 3], 0, 'soft', 'v'), ['judge v', ...STARTED]],
      [timer('deadline', 0), [`next(⊥)@0 by [${SOFT}]`]],
      [held('v'), [`next(v)@0 by [${SOFT}]`]],
    ],
  ],
  [
    'next: ⊥ in period 0 without a soft quorum',
    {},
    [
      [activate, STARTED],
      [votes([2, 3], 0, 'soft', 'v'), []],
      [timer('deadline', 0), ['next(⊥)@0']],
    ],
  ],
  [
    'next: the carried value, then ⊥ when it becomes known, then the value of a soft quorum',
    {},
    [
      [votes([0, 2, 3], 0, 'next', 'v'), [...STARTED, 'filter@1 in 250', 'deadline@1 in 3000', 'judge v']],
      [timer('filter', 1), ['soft(v)@1 by [0:next(v)@0 2:next(v)@0 3:next(v)@0]']],
      [timer('deadline', 1), ['next(v)@1 by [0:next(v)@0 2:next(v)@0 3:next(v)@0]']],
      [votes([0, 2, 3], 0, 'next', null), ['next(⊥)@1 by [0:next(⊥)@0 2:next(⊥)@0 3:next(⊥)@0]']],
      [
        votes([0, 2, 3], 1, 'soft', E),
        [`next(${E})@1 by [${NEXT} 0:soft(${E})@1 2:soft(${E})@1 3:soft(${E})@1]`],
      ],
    ],
  ],
  [
    'enter: by nothing but a next quorum',
    {},
    [
      [activate, STARTED],
      [votes([0, 2], 4, 'next', null), []],
      [votes([0, 2, 3], 4, 'soft', E), []],
      [votes([0, 2, 3], 4, 'next', E), ['filter@5 in 250', 'deadline@5 in 12000']],
    ],
  ],
  [
    'enter: skipping ahead, never back',
    {},
    [
      [activate, STARTED],
      [votes([0, 2, 3], 4, 'next', null), ['filter@5 in 250', 'deadline@5 in 12000']],
      [votes([0, 2, 3], 3, 'next', null), []],
      [timer('deadline', 4), []],
      [timer('deadline', 5), ['next(⊥)@5 by [0:next(⊥)@4 2:next(⊥)@4 3:next(⊥)@4]']],
    ],
  ],
  [
    'commit: a cert quorum, held, once',
    {},
    [
      [proposal('v'), [...STARTED, 'judge v']],
      [held('v'), ['soft(v)@0']],
      [votes([0, 2], 0, 'cert', 'v'), []],
      [votes([3], 0, 'cert', 'v'), ['commit v@0 by [0:cert(v)@0 2:cert(v)@0 3:cert(v)@0]']],
      [votes([1], 0, 'cert', 'v'), []],
      [timer('deadline', 0), []],
      [
        votes([0, 2, 3], 0, 'next', null),
        [
          'offence [0:cert(v)@0 0:next(⊥)@0]',
          'offence [2:cert(v)@0 2:next(⊥)@0]',
          'offence [3:cert(v)@0 3:next(⊥)@0]',
        ],
      ],
    ],
  ],
  [
    'commit: a cert quorum for a value not held is judged first',
    {},
    [
      [votes([0, 2, 3], 0, 'cert', 'v'), ['judge v', ...STARTED]],
      [held('v'), ['commit v@0 by [0:cert(v)@0 2:cert(v)@0 3:cert(v)@0]']],
    ],
  ],
  [
    'commit: a cert quorum of an earlier period counts',
    {},
    [
      [votes([0, 2, 3], 1, 'next', 'v'), [...STARTED, 'filter@2 in 250', 'deadline@2 in 6000', 'judge v']],
      [votes([0, 1, 2], 0, 'cert', 'v'), []],
      [held('v'), ['commit v@0 by [0:cert(v)@0 1:cert(v)@0 2:cert(v)@0]']],
    ],
  ],
  [
    'commit: cert votes of two periods make no quorum',
    {},
    [
      [proposal('v'), [...STARTED, 'judge v']],
      [held('v'), ['soft(v)@0']],
      [votes([0, 2], 0, 'cert', 'v'), []],
      [votes([3], 1, 'cert', 'v'), []],
    ],
  ],
  [
    'commit: one member’s repeated votes count once',
    {},
    [
      [votes([0, 2], 0, 'cert', E), STARTED],
      [votes([0, 2, 0, 2], 0, 'cert', E), []],
    ],
  ],
  [
    'observer: tallies and commits, votes for nothing, sets no timer',
    { self: null },
    [
      [activate, []],
      [proposal('v'), ['judge v']],
      [held('v'), []],
      [votes([0, 1, 2], 0, 'soft', 'v'), []],
      [votes([0, 1, 2], 0, 'next', 'v'), []],
      [votes([0, 1, 2], 1, 'cert', 'v'), ['commit v@1 by [0:cert(v)@1 1:cert(v)@1 2:cert(v)@1]']],
    ],
  ],
  [
    're-send: own votes, all of the soft quorum, the freshest next quorum, and the timer again',
    {},
    [
      [votes([0, 2, 3], 0, 'next', 'v'), [...STARTED, 'filter@1 in 250', 'deadline@1 in 3000', 'judge v']],
      [votes([0, 2, 3], 0, 'next', null), []],
      [timer('filter', 1), [`soft(${E})@1 by [0:next(⊥)@0 2:next(⊥)@0 3:next(⊥)@0]`]],
      [votes([1], 1, 'soft', E), []],
      [votes([0], 1, 'soft', 'v'), []],
      [votes([2], 1, 'soft', E), []],
      [
        timer('resend', 0),
        ['broadcast [0:next(⊥)@0 2:next(⊥)@0 3:next(⊥)@0 1:soft(ee)@1]', 'resend@1 in 500'],
      ],
      [votes([3], 1, 'soft', E), [`cert(${E})@1 by [${NEXT} 1:soft(${E})@1 2:soft(${E})@1 3:soft(${E})@1]`]],
      [votes([1], 1, 'cert', E), []],
      [
        timer('resend', 1),
        [
          'broadcast [0:next(⊥)@0 2:next(⊥)@0 3:next(⊥)@0 1:soft(ee)@1 2:soft(ee)@1 3:soft(ee)@1 1:cert(ee)@1]',
          'resend@1 in 500',
        ],
      ],
    ],
  ],
  [
    're-send: the leader’s own block while period 0 lasts; nothing when there is nothing',
    { self: 0 },
    [
      [activate, [...STARTED, 'propose']],
      [timer('resend', 0), ['resend@0 in 500']],
      [proposal('v'), ['judge v']],
      [timer('resend', 0), ['broadcast [] proposal v', 'resend@0 in 500']],
      [votes([1, 2, 3], 0, 'next', null), ['filter@1 in 250', 'deadline@1 in 3000']],
      [timer('resend', 0), ['broadcast [1:next(⊥)@0 2:next(⊥)@0 3:next(⊥)@0]', 'resend@1 in 500']],
    ],
  ],
  [
    'deadline: extended once by the announced payload bytes',
    {},
    [
      [proposal('v', 2_500_001), [...STARTED, 'judge v']],
      [timer('deadline', 0), ['deadline@0 in 2501']],
      [timer('deadline', 0), ['next(⊥)@0']],
    ],
  ],
  [
    'deadline: the extension is bounded',
    {},
    [
      [proposal('v', 2 ** 40), [...STARTED, 'judge v']],
      [timer('deadline', 0), ['deadline@0 in 10000']],
    ],
  ],
  [
    'deadline: doubles with each empty block in a row, at most k times',
    { emptyRun: 2 },
    [[activate, ['deadline@0 in 6000', 'resend@0 in 500']]],
  ],
  [
    'deadline: k and the cap bound the doubling',
    { emptyRun: 9 },
    [[activate, ['deadline@0 in 12000', 'resend@0 in 500']]],
  ],
  [
    'restart: the own records bind',
    {
      ownRecords: [vote(1, 0, 'soft', 'v'), vote(1, 0, 'cert', 'v')],
    },
    [
      [proposal('w'), ['judge w']],
      [held('w'), []],
      [votes([0, 2, 3], 0, 'soft', 'w'), []],
      [timer('deadline', 0), ['next(v)@0 by [0:soft(w)@0 2:soft(w)@0 3:soft(w)@0]']],
    ],
  ],
  [
    'restart: a next vote on record forbids the cert',
    { ownRecords: [vote(1, 0, 'next', null)] },
    [
      [proposal('v'), ['judge v']],
      [held('v'), ['soft(v)@0']],
      [votes([0, 2, 3], 0, 'soft', 'v'), []],
      [timer('deadline', 0), [`next(v)@0 by [${SOFT}]`]],
    ],
  ],
  [
    'restart: the soft quorum behind a cert is still known, and sent to the others',
    {
      ownRecords: [vote(1, 0, 'soft', 'v'), vote(1, 0, 'cert', 'v')],
      justification: [vote(0, 0, 'soft', 'v'), vote(1, 0, 'soft', 'v'), vote(2, 0, 'soft', 'v')],
    },
    [
      [
        timer('resend', 0),
        ['broadcast [0:soft(v)@0 1:soft(v)@0 2:soft(v)@0 1:cert(v)@0]', 'resend@0 in 500'],
      ],
    ],
  ],
  [
    'an own vote that comes back from others binds, though no record is left',
    {},
    [
      [votes([1], 0, 'next', null), []],
      [proposal('v'), [...STARTED, 'judge v']],
      [held('v'), ['soft(v)@0']],
      [votes([0, 2, 3], 0, 'soft', 'v'), []],
    ],
  ],
  [
    'offence: two soft values in one period, once',
    {},
    [
      [votes([3], 0, 'soft', 'v'), []],
      [votes([3], 0, 'soft', 'w'), ['offence [3:soft(v)@0 3:soft(w)@0]']],
      [votes([3], 0, 'soft', 'w'), []],
      [votes([3], 0, 'soft', 'x'), ['reject too-many-values of 3']],
      [votes([3], 1, 'soft', 'w'), []],
    ],
  ],
  [
    'offence: two cert values in one period',
    {},
    [
      [votes([3], 2, 'cert', 'v'), []],
      [votes([3], 2, 'cert', 'w'), ['offence [3:cert(v)@2 3:cert(w)@2]']],
    ],
  ],
  [
    'offence: cert(v) with next(x ≠ v) in one period, in either order, once',
    {},
    [
      [votes([3], 0, 'cert', 'v'), []],
      [votes([3], 0, 'next', 'v'), []],
      [votes([3], 0, 'next', null), ['offence [3:cert(v)@0 3:next(⊥)@0]']],
      [votes([3], 0, 'next', 'w'), []],
      [votes([3], 1, 'next', null), []],
      [votes([3], 1, 'cert', 'v'), ['offence [3:next(⊥)@1 3:cert(v)@1]']],
    ],
  ],
  [
    'no offence: several next values in one period; other periods',
    {},
    [
      [votes([3], 0, 'next', null), []],
      [votes([3], 0, 'next', 'v'), []],
      [votes([3], 0, 'soft', 'w'), []],
      [votes([3], 1, 'cert', 'x'), []],
    ],
  ],
  [
    'rejects: what is no vote of this height',
    {},
    [
      [{ kind: 'vote', vote: { ...vote(2, 0, 'soft', 'v'), height: 8 } }, ['reject wrong-height of 2']],
      [votes([4], 0, 'soft', 'v'), ['reject unknown-member of 4']],
      [votes([-1], 0, 'soft', 'v'), ['reject unknown-member of -1']],
      [votes([2], 0.5, 'soft', 'v'), ['reject bad-period of 2']],
      [votes([2], 2 ** 40, 'soft', 'v'), ['reject bad-period of 2']],
      [votes([2], 0, 'soft', null), ['reject bad-value of 2']],
      [votes([2], 0, 'cert', null), ['reject bad-value of 2']],
    ],
  ],
];

describe('agreement: the vote table, step by step', () => {
  it.each(TABLES)('%s', (_name, options, rows) => {
    expect(table(options, rows)).toEqual(rows);
  });
});

describe('agreement: the start of a height', () => {
  it('sets no timer before a reason exists', () => {
    expect(run({}, []).effects).toEqual([]);
  });

  it('starts at once when told so', () => {
    expect(run({ active: true, self: 0 }, []).effects).toEqual([...STARTED, 'propose']);
  });

  it('takes up the period that its justification proves, and its records there bind', () => {
    const justification = [0, 1, 2].map((member) => vote(member, 40, 'next', null));
    const { state, effects } = run({ ownRecords: [vote(1, 41, 'soft', E)], justification }, []);
    expect(state.period).toBe(41);
    expect(effects).toEqual([...STARTED, 'filter@41 in 250', 'deadline@41 in 12000']);
    expect(apply(state, timer('filter', 41)).effects).toEqual([]);
  });

  it('commits at once when its own record completes a quorum with one member', () => {
    const { effects } = run({ members: 1, self: 0, ownRecords: [vote(0, 0, 'cert', E)] }, []);
    expect(effects).toContain(`commit ${E}@0 by [0:cert(${E})@0]`);
  });

  it('refuses foreign records: a bug of the driver', () => {
    expect(() => run({ ownRecords: [vote(2, 0, 'soft', 'v')] }, [])).toThrow(/own records/);
  });
});

describe('agreement: after the commit', () => {
  it('goes on collecting cert votes for the next block', () => {
    const { state } = run({}, [votes([3, 0, 2], 0, 'cert', E), votes([1], 0, 'cert', E)]);
    expect(certVotesOf(state).map(({ member }) => member)).toEqual([0, 1, 2, 3]);
  });

  it('has none before it', () => {
    expect(certVotesOf(run({}, [votes([3, 0], 0, 'cert', E)]).state)).toEqual([]);
  });
});

describe('agreement: memory', () => {
  it('keeps votes near the own period and near the one that f+1 members have reached, no others', () => {
    const { state, effects } = run({}, [
      votes([2], 8, 'soft', 'v'),
      votes([2], 9, 'soft', 'v'),
      votes([2], 1000, 'soft', 'v'),
      votes([3], 500, 'soft', 'v'),
      votes([2], 508, 'soft', 'v'),
      votes([2], 509, 'soft', 'v'),
    ]);
    expect([...state.tally.periods.keys()]).toEqual([8, 500, 508]);
    expect(effects.filter((effect) => effect.startsWith('reject'))).toEqual([
      'reject outside-window of 2',
      'reject outside-window of 2',
      'reject outside-window of 2',
    ]);
  });

  it('forgets the far periods when f+1 members move on', () => {
    const { state } = run({}, [
      votes([2, 3], 0, 'soft', 'v'),
      votes([2, 3], 500, 'soft', 'v'),
      votes([2, 3], 700, 'soft', 'v'),
    ]);
    expect([...state.tally.periods.keys()]).toEqual([0, 700]);
  });

  it('catches up over any distance, from votes delivered one by one and again', () => {
    const quorum = [0, 2, 3].map((member) => vote(member, 700, 'next', null));
    const once = quorum.map((single) => ({ kind: 'vote', vote: single }) as const);
    expect(run({}, [...once]).state.period).toBe(0);
    expect(run({}, [...once, ...once]).state.period).toBe(701);
  });

  it('does not forget a period’s votes because one member floods others', () => {
    const flood = Array.from({ length: 300 }, (_, i) => votes([3], i, 'soft', `x${i}`));
    const { state } = run({}, [
      votes([3], 0, 'cert', 'v'),
      ...flood,
      votes([0, 2], 0, 'cert', 'v'),
      held('v'),
    ]);
    expect(state.decision).toEqual({ value: 'v', period: 0 });
  });

  it('bounds an equivocator’s values, yet counts it where f+1 members back the value', () => {
    const junk = Array.from({ length: 50 }, (_, i) => votes([3], 0, 'soft', `x${i}`));
    const { state } = run({}, [...junk]);
    expect(state.tally.periods.get(0)?.soft.votes).toHaveLength(2);
    const late = run({}, [...junk, votes([0, 2], 0, 'soft', 'v'), votes([3], 0, 'soft', 'v')]).state;
    expect(late.tally.periods.get(0)?.soft.quorums).toEqual(['v']);
  });

  it('looks at a bounded number of the leader’s blocks', () => {
    const { effects } = run(
      {},
      [...'abcde'].map((value) => proposal(value)),
    );
    expect(effects.filter((effect) => /judge|reject/.test(effect))).toEqual([
      'judge a',
      'judge b',
      'judge c',
      'judge d',
      'reject too-many-proposals',
    ]);
  });

  it('forgets periods far behind', () => {
    const { state } = run({}, [
      votes([0, 2, 3], 0, 'next', null),
      ...Array.from({ length: 20 }, (_, i) => votes([0, 2, 3], i + 1, 'next', null)),
    ]);
    expect(state.period).toBe(21);
    expect(Math.min(...state.tally.periods.keys())).toBe(21 - 8);
  });
});

describe('agreement: purity', () => {
  it('leaves the state it was given untouched', () => {
    const { state } = run({}, [proposal('v'), votes([0, 2], 0, 'soft', 'v')]);
    const before = structuredClone(state);
    apply(state, held('v'));
    apply(state, votes([0, 2, 3], 0, 'cert', 'v'));
    expect(state).toEqual(before);
  });
});
