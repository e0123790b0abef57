import type { Anchor, Unchecked } from './report.js';

/** A block of which only the links were checked. */
export interface Linked {
  /** Payloads that the source no longer has. */
  readonly absent: number;
  readonly transactions: number;
}

/** Collects what an audit could not check, in which blocks, and why. */
export interface Tally {
  linked(height: number, block: Linked): void;
  unchecked(met: ReadonlySet<Anchor>): readonly Unchecked[];
  assumptions(): readonly string[];
}

/**
 * `isGivenState`: the file began with a state that nobody had replayed. `start`: its first height. A state that is
 * given counts as checked once an anchor at or above it is met, since every block on top of it commits to it.
 */
export function createTally(isGivenState: boolean, start: number, anchors: readonly Anchor[]): Tally {
  const found = new Map<string, Unchecked>();
  let pruned = false;
  const add = (what: string, height: number, count: number, why: string): void => {
    if (count === 0) return;
    const known = found.get(what) ?? { what, count: 0, first: height, last: height, why };
    found.set(what, { ...known, count: known.count + count, last: height });
  };
  return {
    linked: (height, { absent, transactions }) => {
      if (absent > 0) pruned = true;
      const why = pruned
        ? 'payloads are pruned at their source, so the state from there on is not known'
        : `the file begins at height ${start} and does not hold the state before it`;
      add('payloads', height, absent, 'the source no longer has them: their retention time is over');
      add('committees, and that the certificates’ signatures are theirs', height, 1, why);
      add('seeds', height, 1, why);
      add('execution of transactions', height, transactions, why);
      add('state roots, receipts, verdicts, models and ledgers', height, 1, why);
    },
    unchecked: (met) => {
      const given = isGivenState && ![...met].some(({ height }) => height >= start - 1);
      const why = 'it is taken from the file, and no anchor at or above it was given';
      const state = {
        what: 'the state that the range builds on',
        count: 1,
        first: start - 1,
        last: start - 1,
        why,
      };
      return [...(given ? [state] : []), ...found.values()];
    },
    assumptions: () =>
      isGivenState && anchors.length > 0
        ? [
            `the blocks below height ${start} are not in the file: the anchor vouches for the state that they led to`,
          ]
        : [],
  };
}
