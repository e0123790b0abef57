import { describe, expect, it } from 'vitest';
import type { StateAccess } from '../../../chain/index.js';
import {
  admissionCell,
  applicationsOf,
  CONTENT_BUCKETS,
  CONTENT_TASKS_EACH_MAX,
  contentCell,
  contentTaskCell,
  decodeContent,
  encodeContent,
  isWorkDue,
  nextDeadline,
  openCountCell,
  openListCell,
  standingCell,
} from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { fits, openContent } from '../../../node/sealing/content.js';
import { type Call, createTestChain, type TestChain, taskSpec } from '../../support/chain.js';
import {
  admitCall,
  askCall,
  completeCall,
  contentCall,
  openContentIds,
  readerKeys,
  refuseCall,
  sealFor,
  secretText,
  twoLevels,
  withdrawCall,
} from '../../support/gate.js';
import type { Person } from '../../support/genesis.js';

/** A content task of level 1, published: four providers of its level are at hand, and one of another. */
function published(change: object = {}) {
  const test = twoLevels();
  const own = readerKeys();
  test.block([contentCall(test, sealFor(test, [own.publicKey]), change)]);
  const [a, b, other, c, d] = test.devices as [Person, Person, Person, Person, Person];
  const ask = (who: Person) => {
    const keys = readerKeys();
    expect(test.refusal(askCall(who, keys.publicKey))).toBeNull();
    return keys;
  };
  return { test, own, a, b, c, d, other, ask };
}

/** What a provider opens with its key, from all that the chain has. */
function opened(test: TestChain, provider: Person, keys: ReturnType<typeof readerKeys>) {
  const sealed = decodeContent(contentCell.get(test.state, 1)!)!;
  const wrap = admissionCell.get(test.state, 1, bytesToHex(provider.publicKey));
  const wraps = wrap === null ? sealed.wraps : [...sealed.wraps, wrap];
  return openContent(test.chain.chainId, { ...sealed, wraps }, keys);
}

const refusals = (test: TestChain, cases: readonly (readonly [Call, string | null])[]) => {
  for (const [call, code] of cases) expect(test.refusal(call), `${call.method}: ${code}`).toBe(code);
};

describe('tasks.publishContent', () => {
  it('keeps level, places and times, and of the content its ciphertext alone', () => {
    const { test } = published({ reward: 10 });
    expect(contentTaskCell.get(test.state, 1)).toEqual({
      id: 1,
      publisher: test.publisher.publicKey,
      level: 1,
      places: 2,
      completion: 'publisher',
      reward: 10,
      status: 'open',
      publishedHeight: 1,
      applyUntil: test.tip.time + 3_600_000,
      endsAt: test.tip.time + 7_200_000,
    });
    const { ciphertext } = decodeContent(contentCell.get(test.state, 1)!)!;
    expect(CONTENT_BUCKETS.map((bytes) => bytes + 16)).toContain(ciphertext.length);
  });

  it('refuses others than publishers, another level, and contents of another form', () => {
    const test = twoLevels();
    const key = readerKeys().publicKey;
    const content = sealFor(test, [key]);
    const call = contentCall(test, content);
    const sealed = decodeContent(content)!;
    const unpadded = encodeContent({ ...sealed, ciphertext: sealed.ciphertext.slice(1) });
    refusals(test, [
      [{ ...call, from: test.devices[0]! }, 'not-a-publisher'],
      [{ ...call, from: test.validators[0]! }, 'not-a-publisher'],
      [{ ...call, level: 2 }, 'wrong-level'],
      [contentCall(test, Uint8Array.of(1)), 'malformed-content'],
      [contentCall(test, encodeContent({ ...sealed, chainId: new Uint8Array(32) })), 'malformed-content'],
      [contentCall(test, unpadded), 'not-padded'],
      [contentCall(test, sealFor(test, [])), 'no-reader'],
      [contentCall(test, content, { places: 65 }), 'malformed-args'],
      [contentCall(test, content, { places: 0 }), 'malformed-args'],
      [contentCall(test, content, { workMs: 0 }), 'malformed-args'],
      [contentCall(test, content, { completion: 'anybody' }), 'malformed-args'],
      [contentCall(test, content, { reward: 1_000_001 }), 'no-balance'],
    ]);
    expect(contentTaskCell.get(test.state, 1)).toBeNull();
    expect(openContentIds(test.state)).toEqual([]);
  });

  it('shares its numbers with training tasks', () => {
    const { test } = published();
    const spec = taskSpec();
    const call = { from: test.publisher, contract: 'tasks', method: 'publish', level: 1, args: { spec } };
    expect(test.call(call).events[0]).toMatchObject({ kind: 'published', fields: { task: 2 } });
  });

  it('keeps a bounded number of one publisher’s open', () => {
    const test = createTestChain();
    const call = contentCall(test, sealFor(test, [readerKeys().publicKey]));
    test.block(new Array(CONTENT_TASKS_EACH_MAX).fill(call));
    expect(test.refusal(call)).toBe('too-many-tasks');
    expect(test.refusal(withdrawCall(test.publisher, 7))).toBeNull();
    expect(test.refusal(call)).toBeNull();
  });

  it.each([
    [1, [], 1_024],
    [2, [{ height: 1, protocol: 2 }], 65_536],
  ])('keeps a bounded number of all publishers’ open: by protocol %s', (protocol, upgrades, max) => {
    const others = (state: StateAccess, left: number) => {
      if (protocol === 2) return openCountCell.set(state, max - left);
      const one = { publisher: new Uint8Array(32), endsAt: Number.MAX_SAFE_INTEGER };
      const all = Array.from({ length: max - left }, (_, i) => ({ id: 1_000 + i, ...one }));
      return openListCell.set(state, all);
    };
    for (const [left, code] of [
      [1, null],
      [0, 'too-many-tasks'],
    ] as const) {
      const test = createTestChain({
        adjust: (genesis) => ({ ...genesis, upgrades }),
        write: (state) => others(state, left),
      });
      const call = contentCall(test, sealFor(test, [readerKeys().publicKey]));
      expect(test.refusal(call)).toBe(code);
    }
  });

  it('takes texts up to the largest bucket', () => {
    const text = (length: number) => ({ title: 't', description: 'x'.repeat(length) });
    const most = CONTENT_BUCKETS.at(-1)! - 4 - '["t",""]'.length;
    expect(fits(text(most))).toBe(true);
    expect(fits(text(most + 1))).toBe(false);
    const test = createTestChain();
    const call = contentCall(test, sealFor(test, [readerKeys().publicKey], text(most)));
    expect(test.refusal(call)).toBeNull();
  });
});

describe('the gate', () => {
  it('opens for the admitted provider alone', () => {
    const { test, own, a, b, ask } = published();
    const [keys, waiting] = [ask(a), ask(b)];
    expect(opened(test, a, keys)).toBeNull();
    expect(test.refusal(admitCall(test, own, a))).toBeNull();
    expect(opened(test, a, keys)).toEqual(secretText);
    expect(opened(test, b, waiting)).toBeNull();
    // What was wrapped for one is of no use to another that has it.
    expect(opened(test, a, waiting)).toBeNull();
    expect(applicationsOf(test.state, 1).map(({ status }) => status)).toEqual(['admitted', 'waiting']);
  });

  it('takes applications of exactly its level, from providers, once each, with keys of their own', () => {
    const { test, a, b, c, other, ask } = published();
    const key = ask(a).publicKey;
    const fresh = readerKeys().publicKey;
    refusals(test, [
      [askCall(other, fresh), 'wrong-level'],
      [askCall(other, fresh, {}, 2), 'wrong-level'],
      [askCall(b, fresh, {}, 0), 'wrong-level'],
      [askCall(test.publisher, fresh), 'not-a-provider'],
      [askCall(test.validators[0]!, fresh), 'not-a-provider'],
      [askCall(b, fresh, { task: 2 }), 'unknown-task'],
      [askCall(a, fresh), 'already-applied'],
      [askCall(b, key), 'key-taken'],
      [askCall(b, key.slice(1)), 'malformed-args'],
    ]);
    expect(applicationsOf(test.state, 1)).toHaveLength(1);
    test.block([], contentTaskCell.get(test.state, 1)!.applyUntil - 2);
    expect(test.block([askCall(b, fresh)], test.tip.time + 1).executed.receipts[1]!.code).toBeNull();
    expect(test.block([askCall(c, key)], test.tip.time + 1).executed.receipts[1]!.code).toBe('not-open');
  });

  it('stays shut for a blacklisted device', () => {
    const test = createTestChain({
      write: (state, { devices }) =>
        standingCell.set(state, { points: 0, blacklisted: true }, bytesToHex(devices[0]!.publicKey)),
    });
    const keys = readerKeys();
    test.block([contentCall(test, sealFor(test, [keys.publicKey]))]);
    expect(test.refusal(askCall(test.devices[0]!, keys.publicKey))).toBe('blacklisted');
  });

  it('is kept by the publisher, who decides once about each, up to the places', () => {
    const { test, own, a, b, c, d, ask } = published();
    for (const who of [a, b, c]) ask(who);
    const admit = (who: Person) => admitCall(test, own, who);
    refusals(test, [
      [{ ...admit(a), from: b }, 'not-the-publisher'],
      [{ ...refuseCall(test, a, 'enough'), from: a }, 'not-the-publisher'],
      [{ ...admit(a), level: 0 }, 'wrong-level'],
      [admit(d), 'no-such-application'],
      [refuseCall(test, a, 'the patient is Mr. Meyer'), 'malformed-args'],
      [refuseCall(test, a, 'conflict'), null],
      [refuseCall(test, a, 'conflict'), 'already-decided'],
      [admit(a), 'already-decided'],
      [admit(b), null],
      [admit(b), 'already-decided'],
      [admit(c), null],
    ]);
    ask(d);
    expect(test.refusal(admit(d))).toBe('task-full');
    expect(applicationsOf(test.state, 1)[0]).toMatchObject({ status: 'refused', reason: 'conflict' });
    expect(admissionCell.get(test.state, 1, bytesToHex(a.publicKey))).toBeNull();
  });

  it('stands before the sealed content of a training task, too', () => {
    const test = twoLevels();
    const own = readerKeys();
    const content = sealFor(test, [own.publicKey]);
    const sealedTask = { spec: taskSpec({ title: '' }), content };
    const call = { from: test.publisher, contract: 'tasks', level: 1 };
    test.block([{ ...call, method: 'publishSealed', args: sealedTask }]);
    test.block([{ ...call, method: 'publish', args: { spec: taskSpec() } }]);
    const [a, , other] = test.devices as [Person, Person, Person];
    const keys = readerKeys();
    refusals(test, [
      [askCall(other, keys.publicKey), 'wrong-level'],
      [askCall(a, keys.publicKey, { task: 2 }), 'unknown-task'],
      [askCall(a, keys.publicKey), null],
    ]);
    expect(test.refusal(admitCall(test, own, a))).toBeNull();
    expect(opened(test, a, keys)).toEqual(secretText);
  });
});

describe('the end of a content task', () => {
  it('is said by its publisher, who names who did it', () => {
    const { test, own, a, b, ask } = published();
    for (const who of [a, b]) ask(who);
    test.block([admitCall(test, own, a)]);
    refusals(test, [
      [completeCall(a), 'not-the-publisher'],
      [completeCall(test.publisher, [b]), 'not-admitted'],
      [completeCall(test.publisher, [a, a]), 'already-done'],
      [completeCall(test.publisher, [a], 2), 'wrong-level'],
      [{ ...completeCall(test.publisher), args: { task: 9, providers: [] } }, 'unknown-task'],
      [completeCall(test.publisher, [a]), null],
      [completeCall(test.publisher, [a]), 'not-open'],
    ]);
    expect(contentTaskCell.get(test.state, 1)!.status).toBe('done');
    expect(openContentIds(test.state)).toEqual([]);
    refusals(test, [
      [askCall(b, readerKeys().publicKey), 'not-open'],
      [admitCall(test, own, b), 'not-open'],
      [withdrawCall(test.publisher), 'not-open'],
    ]);
  });

  it('comes with the last provider’s word, where the task lets them say it', () => {
    const { test, own, a, b, c, ask } = published({ completion: 'providers' });
    for (const who of [a, b, c]) ask(who);
    test.block([admitCall(test, own, a), admitCall(test, own, b)]);
    refusals(test, [
      [completeCall(c), 'not-admitted'],
      [completeCall(a, [b]), 'not-the-publisher'],
      [completeCall(a), null],
      [completeCall(a), 'already-done'],
    ]);
    expect(contentTaskCell.get(test.state, 1)!.status).toBe('open');
    expect(test.refusal(completeCall(b))).toBeNull();
    expect(contentTaskCell.get(test.state, 1)!.status).toBe('done');
  });

  it('comes in time: in an empty block as well, and a block is wanted for it', () => {
    const { test } = published();
    const { endsAt } = contentTaskCell.get(test.state, 1)!;
    expect(nextDeadline(test.state)).toBe(endsAt);
    test.block([], endsAt - 1);
    expect(isWorkDue(test.state, test.tip.height, test.tip.time)).toBe(false);
    test.block([], endsAt);
    expect(isWorkDue(test.state, test.tip.height, test.tip.time)).toBe(true);
    expect(contentTaskCell.get(test.state, 1)!.status).toBe('open');
    test.empty();
    expect(contentTaskCell.get(test.state, 1)!.status).toBe('expired');
    expect(nextDeadline(test.state)).toBeNull();
  });

  it('of several at once leaves those open whose time has not come, and is told once of each, the earliest first', () => {
    const { test } = published();
    const call = (workMs: number) => contentCall(test, sealFor(test, [readerKeys().publicKey]), { workMs });
    const { endsAt } = contentTaskCell.get(test.state, 1)!;
    test.block([call(2 * 3_600_000), call(1), call(1)]);
    test.block([], endsAt);
    const told: unknown[] = [];
    for (let more = 0; more < 3; more += 1) {
      const { receipts } = test.empty().executed;
      const events = receipts
        .flatMap((receipt) => receipt.events)
        .filter(({ contract }) => contract === 'tasks');
      told.push(...events.map(({ kind, fields }) => [kind, (fields as { task: number }).task]));
    }
    expect(told).toEqual([3, 4, 1].map((task) => ['expired', task]));
    expect(openContentIds(test.state)).toEqual([2]);
  });

  it('is the publisher’s to bring about before', () => {
    const { test, a } = published();
    refusals(test, [
      [withdrawCall(a), 'not-the-publisher'],
      [withdrawCall(test.publisher, 2), 'unknown-task'],
      [withdrawCall(test.publisher, 1, 2), 'wrong-level'],
      [withdrawCall(test.publisher), null],
      [withdrawCall(test.publisher), 'not-open'],
    ]);
    expect(contentTaskCell.get(test.state, 1)!.status).toBe('withdrawn');
  });
});
