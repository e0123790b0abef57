import type { Protocol } from '../chain/index.js';
import { ringAt, ringRoot } from '../consensus/index.js';
import type { RoundOutcome } from '../fl/index.js';
import { anchoring } from './anchor/index.js';
import { evaluation } from './evaluation/index.js';
import { evidence } from './evidence/index.js';
import { identity, senderOf } from './identity/index.js';
import { levels } from './levels/index.js';
import { paramsCell } from './params.js';
import { privacy } from './privacy/index.js';
import { countSent } from './rates/index.js';
import { reputation } from './reputation/index.js';
import { rewards } from './rewards/index.js';
import { type OpenContents, openIndex, openList, tasks } from './tasks/index.js';
import { training } from './training/index.js';
import { levelRule, turns } from './turns/index.js';

export * from './anchor/index.js';
export * from './due.js';
export * from './evaluation/index.js';
export * from './evidence/index.js';
export * from './identity/index.js';
export * from './levels/index.js';
export * from './params.js';
export * from './privacy/index.js';
export * from './rates/index.js';
export * from './reputation/index.js';
export * from './rewards/index.js';
export * from './tasks/index.js';
export * from './training/index.js';
export * from './turns/index.js';

/** Outcomes of due closings, by id: what execution takes as an input that must match. */
export type Closings = ReadonlyMap<string, RoundOutcome>;

/** The contracts. Their order is the order of their beginBlock, and part of the protocol. */
function protocolWith(openContents: OpenContents): Protocol<RoundOutcome> {
  return {
    contracts: [
      identity<RoundOutcome>(),
      evidence<RoundOutcome>(),
      reputation<RoundOutcome>(),
      privacy<RoundOutcome>(),
      tasks<RoundOutcome>(openContents),
      training,
      evaluation<RoundOutcome>(),
      anchoring<RoundOutcome>(),
      levels<RoundOutcome>(),
      turns<RoundOutcome>(),
      rewards<RoundOutcome>(),
    ],
    levels: levelRule,
    senderOf,
    countSent,
    ringRootOf: (state, height) => ringRoot(ringAt(state, height, paramsCell.get(state)!.eraHeights)),
  };
}

/**
 * The rules by version. What a block means must not change under an old chain: a change that makes another state of
 * the same block is a new version here, which a chain's spec takes up at a height (`upgrades`), and the old one stays.
 * What each brought is told in docs/genesis.md.
 */
export const protocols: ReadonlyMap<number, Protocol<RoundOutcome>> = new Map([
  [1, protocolWith(openList)],
  [2, protocolWith(openIndex)],
]);

/** By which a network that is founded now begins. */
export const newestProtocol = Math.max(...protocols.keys());
