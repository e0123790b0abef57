import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readState, type StateReader, treeEntries } from '../../chain/index.js';
import { eraOf } from '../../consensus/index.js';
import {
  type Account,
  accountCell,
  accountOf,
  isBarred,
  levelRecordOf,
  membersOf,
  openProposalsOf,
  ownerOf,
} from '../../contracts/index.js';
import { bytesToHex, hexToBytes } from '../../crypto/index.js';
import {
  admitCall,
  anchorCall,
  recoverCall,
  reinstateCall,
  rotateCall,
  setLevelsCall,
  suspendCall,
  voteCall,
} from '../support/accounts.js';
import { type Call, createTestChain, type TestChain } from '../support/chain.js';
import { type Person, person } from '../support/genesis.js';

const SEED = 6;
const RUNS = 30;
const ERA = 3;
const PER_ERA = 1;
const RATE = 6;
const params = {
  eraHeights: ERA,
  levels: { highest: 4, admitted: 2, perEra: PER_ERA, completions: 1 },
  rates: { perEra: RATE, protocolPerHeight: 1 },
};
/** Keys that come into play beside those of genesis. */
const spare = Array.from({ length: 8 }, (_, i) => person(`spare-${i}`));

/** What is done, by whom, to whom: the numbers choose among those that there are. */
const deed = fc.record({
  what: fc.constantFrom(
    'admit',
    'suspend',
    'reinstate',
    'recover',
    'rotate',
    'level',
    'approve',
    'reject',
    'send',
  ),
  by: fc.nat(20),
  to: fc.nat(20),
  key: fc.nat(7),
  level: fc.nat(5),
});
type Deed = typeof deed extends fc.Arbitrary<infer T> ? T : never;
const history = fc.array(fc.array(deed, { maxLength: 4 }), { minLength: 6, maxLength: 14 });

const everybody = (test: TestChain): readonly Person[] => [
  ...test.validators,
  ...test.devices,
  test.publisher,
  ...spare,
];
const holderOf = (test: TestChain, publicKey: Uint8Array) =>
  everybody(test).find((one) => bytesToHex(one.publicKey) === bytesToHex(publicKey))!;

/** A call, of a sender that has an account or not, signed by whatever key it holds. */
function callOf(test: TestChain, { what, by, to, key, level }: Deed): Call {
  const all = everybody(test);
  const sender = all[by % all.length]!;
  const suspended = all.filter(
    ({ publicKey }) => ownerOf(test.state, publicKey)?.account.status === 'suspended',
  );
  // Mostly devices, old and new; to be reinstated one that can be, if there is one.
  const subjects = [...test.devices, ...spare.slice(0, 3), test.publisher, test.validators[0]!];
  const among = what === 'reinstate' && suspended.length > 0 ? suspended : subjects;
  const subject = among[to % among.length]!.publicKey;
  const next = spare[key]!;
  const owner = ownerOf(test.state, subject);
  // Every other time the one that may.
  const own = test.validators.find(({ name }) => by % 2 === 0 && name === owner?.account.hospital);
  const validator = own ?? test.validators[by % test.validators.length]!;
  const hospital = owner?.account.hospital ?? validator.name;
  switch (what) {
    case 'admit': {
      const role = level === 0 ? 'publisher' : 'device';
      return admitCall(test, validator, next, { name: `n${to}`, level, role, hospital });
    }
    case 'suspend':
      return suspendCall(validator, subject);
    case 'reinstate':
      return reinstateCall(validator, subject);
    case 'recover':
      return recoverCall(test, validator, owner?.id ?? subject, next, hospital);
    case 'rotate':
      return rotateCall(test, holderOf(test, subject), next, hospital, owner?.id ?? subject);
    case 'level':
      return setLevelsCall(validator, { account: subject, level });
    case 'approve':
    case 'reject': {
      const open = openProposalsOf(test.state);
      const { id } = open[to % Math.max(1, open.length)] ?? { id: 1 };
      return voteCall(test.validators[by % test.validators.length]!, what, id);
    }
    case 'send':
      return anchorCall(sender, `${to}`);
    default:
      return what satisfies never;
  }
}

const accountsIn = (test: TestChain): ReadonlyMap<string, Account> => {
  const prefix = accountCell.key('');
  const found = new Map<string, Account>();
  for (const [key] of treeEntries(test.tip.state)) {
    if (!key.startsWith(prefix)) continue;
    const id = key.slice(prefix.length);
    found.set(id, accountCell.get(test.state, id)!);
  }
  return found;
};

function checkState(test: TestChain): void {
  const accounts = accountsIn(test);
  const keys = new Set<string>();
  for (const [id, account] of accounts) {
    // No two accounts have one key, and a key leads to its account and to no other.
    const key = bytesToHex(account.publicKey);
    expect(keys.has(key)).toBe(false);
    keys.add(key);
    expect(bytesToHex(ownerOf(test.state, account.publicKey)!.id)).toBe(id);
    expect(isBarred(test.state, key)).toBe(account.status !== 'active');
    // Who is in identity is listed by its hospital.
    const listed = membersOf(test.state, account.hospital, null, 100).map((member) => bytesToHex(member.id));
    expect(listed).toContain(id);
    expect(account.level).toBeLessThanOrEqual(params.levels.highest);
  }
  // No orphans: what identity keeps by account names one that there is.
  for (const [key] of treeEntries(test.tip.state)) {
    const [room, cell, id] = key.split('/') as [string, string, string];
    if (room !== 'identity' || !['levels', 'strikes'].includes(cell)) continue;
    expect(accounts.has(id)).toBe(true);
  }
}

/** Nothing stands in a block of who was suspended when it began, unless it reinstates it, nor of a replaced key. */
function checkSenders(before: StateReader, test: TestChain): void {
  const { block, executed } = test.blocks.at(-1)!;
  const reinstated = executed.receipts
    .flatMap(({ events }) => events)
    .filter(({ kind }) => kind === 'reinstated')
    .map(({ fields }) => bytesToHex((fields as { account: Uint8Array }).account));
  for (const { from } of block.transactions) {
    const owner = ownerOf(before, from);
    if (owner === null) continue; // admitted in this very block
    expect(bytesToHex(owner.account.publicKey)).toBe(bytesToHex(from));
    if (owner.account.status === 'suspended') expect(reinstated).toContain(bytesToHex(owner.id));
  }
}

/** No sender has more in an era than its rate, and no level moves beyond its bound. */
function checkStep(before: StateReader, test: TestChain, levels: Map<string, { era: number; base: number }>) {
  const { block } = test.blocks.at(-1)!;
  const sentBy = new Map<string, number>();
  for (const { from } of block.transactions) {
    const id = bytesToHex(ownerOf(test.state, from)!.id);
    sentBy.set(id, (sentBy.get(id) ?? 0) + 1);
    expect(sentBy.get(id)).toBeLessThanOrEqual(RATE);
  }
  const era = eraOf(test.tip.height, ERA);
  for (const [id, { level }] of accountsIn(test)) {
    const was = accountOf(before, hexToBytes(id))?.level ?? level;
    const known = levels.get(id);
    const base = known?.era === era ? known.base : was;
    levels.set(id, { era, base });
    expect(Math.abs(level - base)).toBeLessThanOrEqual(PER_ERA);
    const { changes } = levelRecordOf(test.state, hexToBytes(id));
    if (level !== was) expect(changes.at(-1)).toMatchObject({ height: test.tip.height, to: level });
  }
}

describe('accounts over random histories', () => {
  it(`have one key each, leave nothing behind, do nothing while suspended, keep their bounds (seed: ${SEED})`, () => {
    const kinds = new Set<string>();
    const outcomes = new Set<string | null>();
    fc.assert(
      fc.property(history, (blocks) => {
        const test = createTestChain({ params });
        const levels = new Map<string, { era: number; base: number }>();
        for (const deeds of blocks) {
          const before = readState(test.tip.state);
          const ahead = new Map<Person, number>();
          const signed = deeds.map((each) => {
            const call = callOf(test, each);
            const nth = ahead.get(call.from) ?? 0;
            ahead.set(call.from, nth + 1);
            return test.sign(call, nth);
          });
          const built = test.build(signed);
          test.adopt(built);
          for (const { code, events } of built.executed.receipts) {
            outcomes.add(code);
            for (const { kind } of events) kinds.add(kind);
          }
          checkSenders(before, test);
          checkState(test);
          checkStep(before, test, levels);
        }
      }),
      { numRuns: RUNS, seed: SEED },
    );
    // The histories meet what they are about.
    for (const kind of ['admitted', 'suspended', 'reinstated', 'recovered', 'rotated', 'level', 'rejected'])
      expect(kinds).toContain(kind);
    for (const code of ['key-taken', 'level-bound', 'already-suspended', 'is-a-validator', null])
      expect(outcomes).toContain(code);
  });
});
