import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createReplay } from '../../../audit/index.js';
import {
  createDraft,
  emptyTree,
  readState,
  type StateAccess,
  type StateReader,
} from '../../../chain/index.js';
import {
  type ContentTask,
  contentTaskCell,
  ENDINGS_PER_BLOCK_MAX,
  endTimes,
  nextDeadline,
  type OpenContents,
  openIndex,
  openList,
  openListCell,
  taskCountCell,
} from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { contentChain, KEPT_UPGRADE, openContentIds } from '../../support/gate.js';

const publishers = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));

/** A state with tasks in one form, and how it is told of them. */
function keeper(form: OpenContents, state: StateAccess = createDraft(readState(emptyTree))) {
  const set = (task: ContentTask) => contentTaskCell.set(state, task, task.id);
  return {
    state,
    publish: (who: number, endsAt: number) => {
      const id = (taskCountCell.get(state) ?? 0) + 1;
      const publisher = publishers[who]!;
      taskCountCell.set(state, id);
      set({
        ...{ id, publisher, level: 1, places: 1, completion: 'publisher', reward: 0, status: 'open' },
        ...{ publishedHeight: 1, applyUntil: endsAt, endsAt },
      });
      form.add(state, { id, publisher, endsAt });
    },
    /** The `nth` of those that are open, if there is one. */
    withdraw: (nth: number) => {
      const open = openContentIds(state);
      const task = contentTaskCell.get(state, open[nth % Math.max(1, open.length)] ?? 0);
      if (task === null) return;
      set({ ...task, status: 'withdrawn' });
      form.remove(state, task);
    },
    expire: (time: number) => {
      const over = form.takeOver(state, time);
      for (const id of over) set({ ...contentTaskCell.get(state, id)!, status: 'expired' });
      return over;
    },
  };
}

const told = (form: OpenContents, state: StateReader) => ({
  ids: openContentIds(state),
  next: form.nextEnd(state),
  counts: publishers.map((publisher) => form.count(state, publisher)),
});

const operation = fc.oneof(
  fc.record({ kind: fc.constant('publish' as const), who: fc.nat(2), at: fc.nat(6), far: fc.boolean() }),
  fc.record({ kind: fc.constant('withdraw' as const), nth: fc.nat(30) }),
  fc.record({ kind: fc.constant('expire' as const), at: fc.nat(6) }),
);

/** Times that share all digits, some, or none. */
const timeOf = (at: number, far: boolean) =>
  [7, 8, 300, 65_535, 65_536, 2 ** 41, 2 ** 48 + 2 ** 34][at]! + (far ? 256 : 0);

describe('the index of open content tasks', () => {
  it('says what the list says, whatever happens, and is taken over from it at any time', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 80 }), fc.nat(80), (operations, upgrade) => {
        const old = keeper(openList);
        let next = keeper(openList);
        let form = openList;
        for (const [i, one] of operations.entries()) {
          if (i === upgrade) {
            openIndex.adopt!(next.state);
            form = openIndex;
            next = keeper(form, next.state);
          }
          for (const each of [old, next]) {
            if (one.kind === 'publish') each.publish(one.who, timeOf(one.at, one.far));
            if (one.kind === 'withdraw') each.withdraw(one.nth);
          }
          if (one.kind === 'expire') {
            const time = timeOf(one.at, false);
            const ascending = (ids: readonly number[]) => [...ids].sort((a, b) => a - b);
            expect(ascending(next.expire(time))).toEqual(old.expire(time));
          }
          expect(told(form, next.state)).toEqual(told(openList, old.state));
        }
      }),
      { seed: 1, numRuns: 150, endOnFailure: true },
    );
  });

  it('leaves nothing behind when all have ended', () => {
    const draft = createDraft(readState(emptyTree));
    const { publish, withdraw, expire } = keeper(openIndex, draft);
    for (let i = 0; i < 20; i += 1) publish(i % 3, timeOf(i % 7, i % 2 === 0));
    for (let i = 0; i < 5; i += 1) withdraw(3 * i);
    expire(Number.MAX_SAFE_INTEGER);
    const left = [...draft.changes].filter(([, value]) => value !== null).map(([key]) => key);
    expect(left.filter((key) => !/^tasks\/(contentTask\/|count$)/.test(key))).toEqual([]);
  });

  it('ends a bounded number in a block, the earliest first', () => {
    const { publish, expire, state } = keeper(openIndex);
    const all = ENDINGS_PER_BLOCK_MAX + 500;
    for (let i = 0; i < all; i += 1) publish(0, i < 10 ? 900 : 800);
    const first = expire(1_000);
    expect(first).toEqual(Array.from({ length: ENDINGS_PER_BLOCK_MAX }, (_, i) => 11 + i));
    expect(openContentIds(state)).toHaveLength(500);
    expect(openIndex.nextEnd(state)).toBe(800);
    expect(expire(1_000)).toHaveLength(500);
    expect(openContentIds(state)).toEqual([]);
    expect(openIndex.nextEnd(state)).toBeNull();
  });

  it('touches a bounded number of small entries, however many are open', () => {
    const { publish, state } = keeper(openIndex);
    for (let i = 0; i < 5_000; i += 1) publish(i % 3, 1_000 + (i % 700) * 977);
    const touched = { reads: 0, writes: 0, bytes: 0 };
    const counting: StateAccess = {
      get: (key) => {
        touched.reads += 1;
        const value = state.get(key);
        touched.bytes += value?.length ?? 0;
        return value;
      },
      set: (key, value) => {
        touched.writes += 1;
        touched.bytes += value.length;
        state.set(key, value);
      },
      remove: (key) => {
        touched.writes += 1;
        state.remove(key);
      },
    };
    openIndex.add(counting, { id: 5_001, publisher: publishers[0]!, endsAt: 2 ** 47 });
    expect(touched.reads).toBeLessThanOrEqual(10);
    expect(touched.writes).toBeLessThanOrEqual(11);
    expect(touched.bytes).toBeLessThanOrEqual(1_000);
  });

  it('has the earliest of times that were never added to it: none', () => {
    const state = createDraft(readState(emptyTree));
    expect(endTimes.earliest(state)).toBeNull();
    endTimes.add(state, Number.MAX_SAFE_INTEGER);
    expect(endTimes.earliest(state)).toBe(Number.MAX_SAFE_INTEGER);
    endTimes.add(state, 0);
    expect(endTimes.earliest(state)).toBe(0);
    endTimes.remove(state, 0);
    expect(endTimes.earliest(state)).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe('protocol 1', () => {
  it('gives the states that it gave before there was another', () => {
    const { header } = contentChain([]).blocks.at(-1)!.block;
    expect(bytesToHex(header.stateRoot).slice(0, 12)).toBe('4b22c564d38a');
  });
});

describe('protocol 2', () => {
  it('changes how open content tasks are kept, and nothing else', () => {
    const tasks = Array.from({ length: 11 }, (_, i) => i + 1);
    const [old, next] = [contentChain([]), contentChain([KEPT_UPGRADE])];
    for (const [i, { tip, executed, block }] of next.blocks.entries()) {
      const [was, is] = [readState(old.blocks[i]!.tip.state), readState(tip.state)];
      expect(executed.receipts.map(({ ok, events }) => [ok, events])).toEqual(
        old.blocks[i]!.executed.receipts.map(({ ok, events }) => [ok, events]),
      );
      expect(openContentIds(is)).toEqual(openContentIds(was));
      expect(nextDeadline(is)).toBe(nextDeadline(was));
      for (const id of tasks) expect(contentTaskCell.get(is, id)).toEqual(contentTaskCell.get(was, id));
      expect(openListCell.get(is) === null).toBe(block.header.height >= KEPT_UPGRADE.height);
    }
    const statuses = tasks.map((id) => contentTaskCell.get(next.state, id)?.status[0]).join('');
    // Open, withdrawn and expired.
    expect(statuses).toBe('woeewewweee');
  });

  it('is replayed across its height, and found where the chain spec has another one', () => {
    const test = contentChain([KEPT_UPGRADE]);
    const replay = createReplay(test.chain);
    for (const entry of test.entries) replay.take(entry);
    expect(replay.report().divergence).toBeNull();
    const late = { ...test.chain.rules, protocolAt: () => 1 };
    const other = createReplay({ ...test.chain, rules: late });
    for (const entry of test.entries) other.take(entry);
    expect(other.report().divergence).toMatchObject({
      height: KEPT_UPGRADE.height,
      reason: 'wrong-protocol',
    });
  });
});
