import { cell, nullable, type StateAccess, type StateReader, struct, uint } from '../../chain/index.js';
import { bytesToHex } from '../../crypto/index.js';
import { contentTaskCell } from './gateState.js';
import type { OpenContent, OpenContents } from './openContents.js';
import { openList, openListCell } from './openList.js';
import { timeSet } from './timeSet.js';

const OPEN_MAX = 65_536;
/** Content tasks that one block ends for their time: what is left over ends in the next ones. */
export const ENDINGS_PER_BLOCK_MAX = 1_024;

/** Content tasks that are open: of all publishers, and by publisher in hex. Absent: none. */
export const openCountCell = cell('tasks/openCount', uint);
export const openOfCell = cell('tasks/openOf', uint);

/** The times at which content tasks end. */
export const endTimes = timeSet('tasks/endTimes');

/** By end time: the first and the last of the tasks that end then, in the order of their publication. */
export const endingCell = cell('tasks/ending', struct({ first: uint, last: uint }));

/** By id of an open task: its neighbours among those that end when it does. */
export const endLinkCell = cell('tasks/endLink', struct({ before: nullable(uint), after: nullable(uint) }));

/**
 * Protocol 2: the times at which tasks end in a tree, for each of them a chain of its tasks, and counts beside.
 *
 * Cost: a bounded number of small entries for each publication and each end, however many are open.
 */
export const openIndex: OpenContents = {
  max: OPEN_MAX,
  count: (state, publisher) => ({
    all: openCountCell.get(state) ?? 0,
    own: openOfCell.get(state, bytesToHex(publisher)) ?? 0,
  }),
  add,
  remove: (state, { id, publisher, endsAt }) => {
    const { before, after } = endLinkCell.get(state, id)!;
    const { first, last } = endingCell.get(state, endsAt)!;
    endLinkCell.remove(state, id);
    if (before !== null) endLinkCell.set(state, { ...endLinkCell.get(state, before)!, after }, before);
    if (after !== null) endLinkCell.set(state, { ...endLinkCell.get(state, after)!, before }, after);
    setEnding(state, endsAt, before === null ? after : first, after === null ? before : last);
    addToCounts(state, publisher, -1);
  },
  takeOver: (state, time) => {
    const taken: number[] = [];
    while (taken.length < ENDINGS_PER_BLOCK_MAX) {
      const end = endTimes.earliest(state);
      if (end === null || end > time) break;
      taken.push(...takeFirst(state, end, ENDINGS_PER_BLOCK_MAX - taken.length));
    }
    return taken;
  },
  nextEnd: (state) => endTimes.earliest(state),
  adopt: (state) => {
    const open = openListCell.get(state);
    if (open === null) return;
    for (const task of open) add(state, task);
    openListCell.remove(state);
  },
};

/** The time at which the next content task ends by itself, in ms, whichever form the state has; null: none is open. */
export function nextContentEnd(state: StateReader): number | null {
  return openList.nextEnd(state) ?? openIndex.nextEnd(state);
}

function add(state: StateAccess, { id, publisher, endsAt }: OpenContent): void {
  const ending = endingCell.get(state, endsAt);
  if (ending === null) endTimes.add(state, endsAt);
  else endLinkCell.set(state, { ...endLinkCell.get(state, ending.last)!, after: id }, ending.last);
  endLinkCell.set(state, { before: ending?.last ?? null, after: null }, id);
  endingCell.set(state, { first: ending?.first ?? id, last: id }, endsAt);
  addToCounts(state, publisher, 1);
}

/** Takes at most `most` out of those that end at this time, the earliest published first. */
function takeFirst(state: StateAccess, endsAt: number, most: number): readonly number[] {
  const { first, last } = endingCell.get(state, endsAt)!;
  const taken: number[] = [];
  let next: number | null = first;
  while (next !== null && taken.length < most) {
    taken.push(next);
    addToCounts(state, contentTaskCell.get(state, next)!.publisher, -1);
    const { after }: { after: number | null } = endLinkCell.get(state, next)!;
    endLinkCell.remove(state, next);
    next = after;
  }
  if (next !== null) endLinkCell.set(state, { ...endLinkCell.get(state, next)!, before: null }, next);
  setEnding(state, endsAt, next, last);
  return taken;
}

function setEnding(state: StateAccess, endsAt: number, first: number | null, last: number | null): void {
  if (first !== null && last !== null) {
    endingCell.set(state, { first, last }, endsAt);
    return;
  }
  endingCell.remove(state, endsAt);
  endTimes.remove(state, endsAt);
}

function addToCounts(state: StateAccess, publisher: Uint8Array, more: 1 | -1): void {
  const { all, own } = openIndex.count(state, publisher);
  setCount(all + more, openCountCell);
  setCount(own + more, openOfCell, bytesToHex(publisher));

  function setCount(count: number, of: typeof openCountCell, ...ids: readonly string[]): void {
    if (count === 0) of.remove(state, ...ids);
    else of.set(state, count, ...ids);
  }
}
