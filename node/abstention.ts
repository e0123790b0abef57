import { faultyOf, quorumOf } from '../consensus/index.js';
import type { Logger } from './log.js';
import type { Standing } from './standing.js';
import type { Store } from './store/index.js';

/**
 * Of how many other members a node must know how far they are at most, to know how far it may have voted itself.
 *
 * It voted at h only after h-1 was certified: q members had voted for that, of whom at least q - f - 1 are honest
 * and others, and each of these had committed h-2. So many others that they must share one with these:
 * r + (q - f - 1) > M - 1. If all r stand at n or below, h - 2 <= n.
 */
export function tellersNeeded(members: number): number {
  return members - quorumOf(members) + faultyOf(members) + 1;
}

/** The highest height at which a node can have voted, when so many others stand at `height` or below. */
export function votedAtMost(height: number): number {
  return height + 2;
}

/**
 * Ends the abstention of a node whose votes were lost (docs/store.md): once enough members have said, since this
 * process began, that they stand where this node stands by now or below, it knows up to where it may have voted.
 */
export function watchAbstention(parts: {
  readonly store: Pick<Store, 'abstention' | 'abstain'>;
  readonly standing: Pick<Standing, 'atMost'>;
  readonly self: string;
  readonly height: () => number;
  readonly members: () => readonly string[];
  readonly log: Logger;
  readonly onFatal: (error: Error) => void;
}): { look(): void } {
  const { store, standing, self, log } = parts;
  if (store.abstention !== null) log('warn', 'abstaining', { through: store.abstention.through });
  let settling = false;

  return {
    look: () => {
      if (settling || store.abstention === null || store.abstention.through !== null) return;
      const height = parts.height();
      const members = parts.members();
      const tellers = standing.atMost(height).filter((peer) => peer !== self && members.includes(peer));
      if (tellers.length < tellersNeeded(members.length)) return;
      settling = true;
      const through = votedAtMost(height);
      log('warn', 'abstaining', { through });
      store
        .abstain(through)
        .catch(parts.onFatal)
        .finally(() => {
          settling = false;
        });
    },
  };
}
