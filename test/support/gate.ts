import { strict as assert } from 'node:assert';
import type { StateReader } from '../../chain/index.js';
import {
  applicationsOf,
  CONTENT_BUCKETS,
  contentCell,
  contentTaskCell,
  decodeContent,
  encodeContent,
  endingCell,
  endLinkCell,
  nextContentEnd,
  openCountCell,
  openListCell,
  openOfCell,
  taskCountCell,
} from '../../contracts/index.js';
import { bytesToHex, deriveHpkeKeys, drbg, type HpkeKeys, utf8ToBytes } from '../../crypto/index.js';
import type { Genesis } from '../../genesis/index.js';
import { openTaskKey, sealContent, type TaskContent, wrapTaskKey } from '../../node/sealing/content.js';
import { type Call, createTestChain, type TestChain } from './chain.js';
import type { Person } from './genesis.js';

const random = drbg(utf8ToBytes('the gate'));

/** A key of a reader: entropy of its own each time. */
export const readerKeys = (): HpkeKeys => deriveHpkeKeys(random(32));

/** Two devices a hospital, all of level 1 but the second hospital's first, which is of level 2. */
export function twoLevels(upgrades?: Genesis['upgrades']): TestChain {
  return createTestChain({
    devicesEach: 2,
    adjust: (genesis) => ({
      ...genesis,
      upgrades: upgrades ?? genesis.upgrades,
      accounts: genesis.accounts.map((account) =>
        account.name === 'hospital-2-device-1' ? { ...account, level: 2 } : account,
      ),
    }),
  });
}

export const secretText: TaskContent = {
  title: 'Retinopathy of the Meyer family',
  description: 'Patients of Dr. Okonkwo who were seen in Ward 7 in spring, with their mothers.',
};

export function sealFor(
  test: Pick<TestChain, 'chain'>,
  readers: readonly Uint8Array[],
  content = secretText,
): Uint8Array {
  const { chainId } = test.chain;
  const ikms = readers.map(() => random(32));
  return encodeContent(sealContent({ chainId, content, readers, taskKey: random(32), ikms })!);
}

/** A content task of level 1: two places, an hour for applications and one for the work. */
export const contentCall = (test: TestChain, content: Uint8Array, change: object = {}): Call => {
  const terms = { level: 1, places: 2, completion: 'publisher', reward: 0, ...change } as { level: number };
  const times = { applyMs: 3_600_000, workMs: 3_600_000 };
  const args = { ...times, ...terms, content };
  return { from: test.publisher, contract: 'tasks', method: 'publishContent', level: terms.level, args };
};

const about = (from: Person, method: string, args: object, level = 1): Call => ({
  from,
  contract: 'tasks',
  method,
  level,
  args: { task: 1, ...args },
});

export const askCall = (from: Person, key: Uint8Array, change: object = {}, level = 1): Call =>
  about(from, 'ask', { key, ...change }, level);

/** The publisher wraps the task key for the key that a provider applied with. */
export function admitCall(test: TestChain, own: HpkeKeys, provider: Person, task = 1): Call {
  const { chainId } = test.chain;
  const sealed = decodeContent(contentCell.get(test.state, task)!)!;
  const taskKey = openTaskKey(chainId, sealed, own)!;
  const id = bytesToHex(provider.publicKey);
  const asked = applicationsOf(test.state, task).find((one) => bytesToHex(one.provider) === id);
  const reader = asked?.key ?? own.publicKey;
  const wrap = wrapTaskKey({ chainId, ciphertext: sealed.ciphertext, taskKey, reader, ikm: random(32) })!;
  const { enc, wrapped } = wrap;
  return about(test.publisher, 'admit', { task, provider: provider.publicKey, enc, wrapped });
}

export const refuseCall = (test: TestChain, provider: Person, reason: string): Call =>
  about(test.publisher, 'refuse', { provider: provider.publicKey, reason });

export const withdrawCall = (from: Person, task = 1, level = 1): Call =>
  about(from, 'withdraw', { task }, level);

export const completeCall = (from: Person, providers: readonly Person[] = [], level = 1): Call =>
  about(from, 'complete', { providers: providers.map(({ publicKey }) => publicKey) }, level);

/** Bytes that a chain takes for a sealed content of 1 KiB; nobody can open it. */
export function sealedBytes(chainId: Uint8Array, source: (length: number) => Uint8Array): Uint8Array {
  const wrap = { reader: source(32), enc: source(32), wrapped: source(48) };
  return encodeContent({ chainId, ciphertext: source(CONTENT_BUCKETS[0] + 16), wraps: [wrap] });
}

/**
 * The ids of the content tasks that a state keeps as open, ascending, in whichever form it has. Asserts that the form is
 * sound: every entry has the others that belong to it, and none is left over.
 */
export function openContentIds(state: StateReader): readonly number[] {
  const ids = Array.from({ length: taskCountCell.get(state) ?? 0 }, (_, i) => i + 1);
  const linked = ids.filter((id) => endLinkCell.get(state, id) !== null);
  const tasks = linked.map((id) => contentTaskCell.get(state, id)!);
  const list = openListCell.get(state);
  if (list !== null) {
    assert.deepEqual(linked, [], 'a state has one form');
    return list.map(({ id }) => id);
  }
  const times = new Set(ids.map((id) => contentTaskCell.get(state, id)?.endsAt));
  for (const time of times) {
    if (time === undefined) continue;
    const chain = tasks.filter(({ endsAt }) => endsAt === time).map(({ id }) => id);
    const ends = chain.length === 0 ? null : { first: chain[0], last: chain.at(-1) };
    assert.deepEqual(endingCell.get(state, time), ends);
    for (const [i, id] of chain.entries())
      assert.deepEqual(endLinkCell.get(state, id), {
        before: chain[i - 1] ?? null,
        after: chain[i + 1] ?? null,
      });
  }
  const earliest = Math.min(...tasks.map(({ endsAt }) => endsAt));
  assert.equal(nextContentEnd(state), tasks.length === 0 ? null : earliest);
  assert.equal(openCountCell.get(state) ?? 0, linked.length);
  const publishers = ids.flatMap((id) => contentTaskCell.get(state, id)?.publisher ?? []);
  for (const publisher of new Set(publishers.map(bytesToHex))) {
    const own = tasks.filter((task) => bytesToHex(task.publisher) === publisher).length;
    assert.equal(openOfCell.get(state, publisher) ?? 0, own);
  }
  return linked;
}

/** The upgrade of the chain that is kept in test/vectors/upgraded.car: at an empty block, with six tasks open. */
export const KEPT_UPGRADE = { height: 7, protocol: 2 };

/**
 * Content tasks that are published, withdrawn and out of time on either side of height 7; always the same to the bit.
 * Thirteen heights; of eleven tasks one is open in the end.
 */
export function contentChain(upgrades: Genesis['upgrades']): TestChain {
  const test = twoLevels(upgrades);
  const content = sealedBytes(test.chain.chainId, drbg(utf8ToBytes('content across an upgrade')));
  const call = (workMs: number): Call => contentCall(test, content, { applyMs: 1, workMs, reward: 7 });
  const later = (ms: number) => test.tip.time + ms;
  test.block([call(40), call(10_000), call(40), call(90)]);
  test.block([call(60), withdrawCall(test.publisher, 1)]);
  test.block([], later(40));
  test.empty();
  test.block([call(60), call(60), call(500), withdrawCall(test.publisher, 5)]);
  test.block([call(60)]);
  test.empty();
  test.block([withdrawCall(test.publisher, 7), call(60)]);
  test.block([], later(55));
  test.empty();
  test.block([call(1), withdrawCall(test.publisher, 8)]);
  test.block([], later(100));
  test.empty();
  return test;
}
