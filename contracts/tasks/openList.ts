import { bytes, cell, list, struct, uint } from '../../chain/index.js';
import { equalBytes } from '../../crypto/index.js';
import type { OpenContents } from './openContents.js';

const OPEN_MAX = 1_024;

/** The content tasks that have not ended, ascending; absent from protocol 2 on. */
export const openListCell = cell(
  'tasks/openContent',
  list(struct({ id: uint, publisher: bytes(32), endsAt: uint }), OPEN_MAX),
);

/**
 * Protocol 1: one list of all.
 *
 * Cost: each publication and each end reads and writes it whole, so a block of n publications costs n².
 */
export const openList: OpenContents = {
  max: OPEN_MAX,
  count: (state, publisher) => {
    const open = openListCell.get(state) ?? [];
    return { all: open.length, own: open.filter((one) => equalBytes(one.publisher, publisher)).length };
  },
  add: (state, { id, publisher, endsAt }) =>
    openListCell.set(state, [...(openListCell.get(state) ?? []), { id, publisher, endsAt }]),
  remove: (state, { id }) =>
    openListCell.set(
      state,
      (openListCell.get(state) ?? []).filter((one) => one.id !== id),
    ),
  takeOver: (state, time) => {
    const open = openListCell.get(state) ?? [];
    const over = open.filter(({ endsAt }) => time >= endsAt);
    if (over.length > 0)
      openListCell.set(
        state,
        open.filter(({ endsAt }) => time < endsAt),
      );
    return over.map(({ id }) => id);
  },
  nextEnd: (state) => {
    const open = openListCell.get(state) ?? [];
    return open.length === 0 ? null : Math.min(...open.map(({ endsAt }) => endsAt));
  },
};
