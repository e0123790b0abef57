import type { Anchor, RoundsChecked, Unchecked } from './report.js';
import type { ClosedHere } from './step.js';

/** A block of which only the links were checked. */
export interface Linked {
  /** Payloads that the source no longer has. */
  readonly absent: number;
  readonly transactions: number;
}

/** A block that was executed. */
export interface Executed {
  readonly rounds: readonly ClosedHere[];
  /** Payloads for which its receipts stood. */
  readonly absent: number;
}

/** Collects what an audit could not check, in which blocks, and why. */
export interface Tally {
  linked(height: number, block: Linked): void;
  executed(height: number, block: Executed): void;
  rounds(): readonly RoundsChecked[];
  unchecked(met: ReadonlySet<Anchor>): readonly Unchecked[];
  assumptions(): readonly string[];
}

/**
 * `isGivenState`: the file began with a state that nobody had replayed. `start`: its first height. A state that is
 * given counts as checked once an anchor at or above it is met, since every block on top of it commits to it.
 */
export function createTally(isGivenState: boolean, start: number, anchors: readonly Anchor[]): Tally {
  const found = new Map<string, Unchecked>();
  const runs = createRuns();
  const add = (what: string, height: number, count: number, why: string): void => {
    if (count === 0) return;
    const known = found.get(what) ?? { what, count: 0, first: height, last: height, why };
    found.set(what, { ...known, count: known.count + count, last: height });
  };
  return {
    linked: (height, { absent, transactions }) => {
      const why = `the file begins at height ${start} and does not hold the state before it`;
      add('payloads', height, absent, PRUNED);
      add('committees, and that the certificates’ signatures are theirs', height, 1, why);
      add('seeds', height, 1, why);
      add('execution of transactions', height, transactions, why);
      add('state roots, receipts, verdicts, models and ledgers', height, 1, why);
    },
    executed: (height, { rounds, absent }) => {
      const marked = rounds.filter((round) => round.marked);
      const verdicts = marked.reduce((sum, round) => sum + round.verdicts, 0);
      for (const round of rounds) runs.add(height, round);
      add('payloads', height, absent, PRUNED);
      add('that updates lie on their lattice and under their norm cap', height, absent, FROM_RECEIPTS);
      add('verdicts, scores and what follows from them', height, verdicts, FROM_RECEIPTS);
      add('models and what rounds remember', height, marked.length, FROM_RECEIPTS);
    },
    rounds: runs.all,
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

const PRUNED = 'the source no longer has them: their retention time is over';
const FROM_RECEIPTS =
  'payloads are pruned at their source: taken as marked inputs from receipts that the certified headers name';

/** Joins rounds of one task that follow one another and were treated alike. */
function createRuns() {
  const runs: RoundsChecked[] = [];
  const last = new Map<number, number>();
  return {
    add: (height: number, { task, round, marked, verdicts }: ClosedHere): void => {
      const how = marked ? 'marked' : 'recomputed';
      const at = last.get(task);
      const before = at === undefined ? undefined : runs[at];
      if (at !== undefined && before?.how === how) {
        const { closed, verdicts: earlier } = before;
        const grown = { to: round, lastHeight: height, closed: closed + 1, verdicts: earlier + verdicts };
        runs[at] = { ...before, ...grown };
        return;
      }
      const heights = { firstHeight: height, lastHeight: height };
      last.set(task, runs.push({ task, how, from: round, to: round, closed: 1, ...heights, verdicts }) - 1);
    },
    all: (): readonly RoundsChecked[] => [...runs].sort((a, b) => a.task - b.task || a.from - b.from),
  };
}
