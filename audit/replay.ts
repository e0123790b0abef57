import { strict as assert } from 'node:assert';
import type { Judged, Tip } from '../consensus/index.js';
import type { ChainStart } from '../genesis/index.js';
import { type Accepted, createFindings } from './findings.js';
import { type Link, linkEntry } from './links.js';
import type { ProofClaim } from './proofs.js';
import type { Anchor, AuditReport, Divergence } from './report.js';
import { type ProofMode, type ReplayEntry, type ReplayState, replayEntry } from './step.js';

export interface ReplayOptions {
  /** Blocks that the auditor knows from elsewhere; the chain must have each of them. */
  readonly anchors?: readonly Anchor[];
  /** Where to go on from, instead of the genesis. `trusted`: an earlier replay of this very program led there. */
  readonly from?: { readonly state: ReplayState; readonly trusted: boolean };
  /** The file begins at this height and does not say which state it builds on: only the links are checked. */
  readonly linksFrom?: number;
}

/**
 * Replays a chain height by height. Either `take` alone; or, with the proofs checked elsewhere at the same time,
 * `defer` each entry, check the claims (`checkProofs`), and `settle` them one by one in their order. What is found
 * and counted is the same: an entry whose claim does not hold is looked at again as `take` does it.
 */
export interface Replay {
  /** The end of what was executed, settled or not. */
  readonly tip: Tip;
  /** The block that was executed last, with all that its execution made. */
  readonly last: Judged | null;
  /** Height of the last entry that was taken or settled. */
  readonly height: number;
  /** A snapshot to go on from. Only without pending claims, while there is a state. */
  readonly state: ReplayState;
  /** Checks the next height. Returns the first thing that is wrong; after one nothing more is taken. */
  take(entry: ReplayEntry): Divergence | null;
  /** Executes the next height. Null: it can't stand; settle what is pending, and the last one says why. */
  defer(entry: ReplayEntry): ProofClaim | null;
  /** The answer to the oldest claim. */
  settle(holds: boolean): Divergence | null;
  /** Says that the source itself is broken: cut short, not a chain export. Only without pending claims. */
  break(reason: string, detail: string): Divergence;
  /** Says that what the source begins with does not hold. Only without pending claims. */
  refuse(found: Divergence): Divergence;
  report(): AuditReport;
}

/** Where a replay is: with a state, or, when none is known, with the last block alone. */
type Place =
  | { readonly kind: 'state'; readonly state: ReplayState; readonly judged: Judged | null }
  | { readonly kind: 'links'; readonly link: Link | null; readonly next: number };

/** One height further: what follows if its claim holds. */
interface Advance extends Accepted {
  readonly after: Place;
  readonly claim: ProofClaim;
}

interface Pending {
  readonly before: Place;
  readonly entry: ReplayEntry;
  /** Null: its execution failed. */
  readonly advance: Advance | null;
}

/**
 * Replays a chain from its genesis (or a base), believing nothing: see `replayEntry`. Where a payload is absent the
 * block's receipts stand for it. Where no state is known, it does what `linkEntry` can. The report says what was not
 * checked, and which rounds were taken as marked inputs.
 *
 * Cost a block: a few signature checks a member, one VRF check, the execution and the verdicts of its closings.
 * Memory: the state, the payloads of the rounds that are open, and the entries that are pending.
 */
export function createReplay(chain: ChainStart, options: ReplayOptions = {}): Replay {
  const { anchors = [], from } = options;
  const origin: ReplayState = from?.state ?? { tip: chain.tip, payloads: new Map() };
  const first = firstPlace(origin, options);
  const isGiven = from?.trusted === false;
  let isBelieving = isGiven;
  const hash = first.kind === 'state' ? origin.tip.hash : null;
  const beginning = { chainId: chain.chainId, height: nextOf(first) - 1, hash, isGiven };
  const findings = createFindings(beginning, anchors);
  const pending: Pending[] = [];
  let settled = first;
  let newest = first;
  let lastState = origin;

  function accept(advanced: Advance): Divergence | null {
    settled = advanced.after;
    if (pending.length === 0) newest = settled;
    if (settled.kind === 'state') lastState = settled.state;
    return findings.accept(advanced) && drop();
  }

  /** Executes, and notes whether anything was believed from now on. */
  function execute(place: Place, entry: ReplayEntry, mode: ProofMode): Advance | Divergence {
    isBelieving ||= entry.receipts !== undefined;
    return advance(chain, place, entry, mode, isBelieving);
  }

  /** Something is wrong: what was executed on top of it counts no more. */
  function drop(): Divergence | null {
    pending.length = 0;
    newest = settled;
    return findings.divergence;
  }

  function refuse(found: Divergence): Divergence {
    assert(pending.length === 0, 'settle what is pending first');
    return findings.refuse(found);
  }

  function judgeAgain({ before, entry }: Pending): Divergence | null {
    const step = execute(before, entry, 'check');
    assert('reason' in step, 'bug: what failed with its proofs deferred holds with them');
    findings.refuse(step);
    return drop();
  }

  /** An execution that failed is told when all before it is settled. */
  function judgeFailed(): Divergence | null {
    const only = pending.length === 1 ? pending[0]! : null;
    return only === null || only.advance !== null ? null : judgeAgain(only);
  }

  return {
    get tip() {
      return newest.kind === 'state' ? newest.state.tip : lastState.tip;
    },
    get last() {
      return newest.kind === 'state' ? newest.judged : null;
    },
    get height() {
      return findings.height;
    },
    get state() {
      assert(pending.length === 0 && settled.kind === 'state', 'a snapshot has a state, and nothing pending');
      return settled.state;
    },
    take: (entry) => {
      if (findings.divergence !== null) return findings.divergence;
      assert(pending.length === 0, 'settle what is pending first');
      const step = execute(settled, entry, 'check');
      return 'reason' in step ? findings.refuse(step) : accept(step);
    },
    defer: (entry) => {
      if (findings.divergence !== null || pending.at(-1)?.advance === null) return null;
      const step = execute(newest, entry, 'defer');
      const advanced = 'reason' in step ? null : step;
      pending.push({ before: newest, entry, advance: advanced });
      if (advanced === null) judgeFailed();
      else newest = advanced.after;
      return advanced?.claim ?? null;
    },
    settle: (holds) => {
      if (findings.divergence !== null) return findings.divergence;
      const oldest = pending.shift();
      assert(oldest !== undefined && oldest.advance !== null, 'there is a claim to settle');
      return (holds ? accept(oldest.advance) : judgeAgain(oldest)) ?? judgeFailed();
    },
    break: (reason, detail) =>
      refuse({ height: findings.height + 1, transaction: null, key: null, reason, detail }),
    refuse,
    report: () => {
      assert(pending.length === 0, 'settle what is pending first');
      return findings.report(settled.kind === 'state' ? settled.state.tip : null);
    },
  };
}

function firstPlace(state: ReplayState, { linksFrom }: ReplayOptions): Place {
  return linksFrom === undefined
    ? { kind: 'state', state, judged: null }
    : { kind: 'links', link: null, next: linksFrom };
}

function nextOf(place: Place): number {
  return place.kind === 'state' ? place.state.tip.height + 1 : place.next;
}

/**
 * `isBelieving`: the replay began with a state that a file gave, or took marked inputs. Contracts assert on what they never
 * wrote, and training on models that it never made: with what is believed, that is the file's fault and no bug.
 */
function advance(
  chain: ChainStart,
  place: Place,
  entry: ReplayEntry,
  mode: ProofMode,
  isBelieving: boolean,
): Advance | Divergence {
  try {
    return place.kind === 'state'
      ? advanceState(chain, place.state, entry, mode)
      : advanceLinks(chain, place, entry, mode);
  } catch (error) {
    if (!isBelieving) throw error;
    const detail = `execution on what the file gave as state or marked inputs broke off: ${(error as Error).message}`;
    return { height: nextOf(place), transaction: null, key: 'state', reason: 'malformed', detail };
  }
}

function advanceState(
  chain: ChainStart,
  before: ReplayState,
  entry: ReplayEntry,
  mode: ProofMode,
): Advance | Divergence {
  const step = replayEntry(chain, before, entry, mode);
  if (!step.ok) return step.divergence;
  const { state, judged, claim, counted, rounds, absent } = step;
  const after = { kind: 'state', state, judged } as const;
  return { after, claim, counted, hash: judged.hash, executed: { rounds, absent }, linked: null };
}

function advanceLinks(
  { chainId }: ChainStart,
  { link: before, next }: Extract<Place, { kind: 'links' }>,
  entry: ReplayEntry,
  mode: ProofMode,
): Advance | Divergence {
  const step = linkEntry(chainId, before, next, entry, mode);
  if (!step.ok) return step.divergence;
  const { link, claim, counted, absent, transactions } = step;
  const after = { kind: 'links', link, next: next + 1 } as const;
  return { after, claim, counted, hash: link.hash, executed: null, linked: { absent, transactions } };
}
