import { readState, treeEntries } from '../chain/index.js';
import type { Tip } from '../consensus/index.js';
import { ledgerCell } from '../contracts/index.js';
import { bytesToHex } from '../crypto/index.js';
import {
  type Anchor,
  type AuditReport,
  addChecked,
  assumptionsOf,
  type Checked,
  type Divergence,
  nothingChecked,
} from './report.js';
import { createTally, type Executed, type Linked } from './unchecked.js';

/** What an audit has found so far: counts, anchors, and the first thing that is wrong, after which nothing is added. */
export interface Findings {
  readonly height: number;
  readonly divergence: Divergence | null;
  /** The next height holds. `linked`: only its links were checked. Returns what its anchor says against it. */
  accept(block: Accepted): Divergence | null;
  /** Keeps the first one. */
  refuse(found: Divergence): Divergence;
  /** `tip`: where the replay stands; null without a state. */
  report(tip: Tip | null): AuditReport;
}

export interface Accepted {
  readonly hash: Uint8Array;
  readonly counted: Partial<Checked>;
  /** Null: only its links were checked. */
  readonly executed: Executed | null;
  readonly linked: Linked | null;
}

export interface Beginning {
  readonly chainId: Uint8Array;
  readonly height: number;
  /** Null: unknown. */
  readonly hash: Uint8Array | null;
  /** The state there was given by the file and not replayed. */
  readonly isGiven: boolean;
}

export function createFindings(beginning: Beginning, anchors: readonly Anchor[]): Findings {
  const start = beginning.height + 1;
  const tally = createTally(beginning.isGiven, start, anchors);
  const met = new Set<Anchor>();
  let head = { height: beginning.height, hash: bytesToHex(beginning.hash ?? new Uint8Array(0)) };
  let checked: Checked = nothingChecked;
  let divergence: Divergence | null = null;

  function refuse(found: Divergence): Divergence {
    divergence ??= found;
    return divergence;
  }

  function compareAnchors(): Divergence | null {
    for (const anchor of anchors.filter(({ height }) => height === head.height)) {
      if (anchor.hash !== head.hash)
        return refuse(notTheAnchor(anchor, `block ${anchor.height} is ${head.hash}, not the anchor`));
      met.add(anchor);
    }
    return null;
  }

  if (beginning.hash !== null) compareAnchors();
  return {
    get height() {
      return head.height;
    },
    get divergence() {
      return divergence;
    },
    refuse,
    accept: ({ hash, counted, executed, linked }) => {
      checked = addChecked(checked, counted);
      head = { height: head.height + 1, hash: bytesToHex(hash) };
      if (linked !== null) tally.linked(head.height, linked);
      if (executed !== null) tally.executed(head.height, executed);
      return compareAnchors();
    },
    report: (tip) => {
      const passedBy = anchors.filter((anchor) => anchor.height < start - 1 || anchor.height > head.height);
      for (const anchor of passedBy) refuse(notTheAnchor(anchor, outsideOf(anchor, start, head.height)));
      const { count: ledgers, overdrawn } = checkLedgers(tip);
      if (overdrawn !== null) refuse(overdrawnAt(overdrawn, head.height));
      const unchecked = tally.unchecked(met);
      return {
        ok: divergence === null,
        complete: divergence === null && unchecked.length === 0,
        chainId: bytesToHex(beginning.chainId),
        range: head.height < start ? null : { from: start, to: head.height },
        head,
        checked: { ...checked, ledgers },
        rounds: tally.rounds(),
        unchecked,
        divergence,
        anchors: anchors.map((anchor) => ({ ...anchor, met: met.has(anchor) })),
        assumptions: [...assumptionsOf([...met], head.height), ...tally.assumptions()],
      };
    },
  };
}

function notTheAnchor({ height }: Anchor, detail: string): Divergence {
  return { height, transaction: null, key: 'anchor', reason: 'not-the-anchor', detail };
}

/** An anchor that was never passed pins nothing, and that is not what the auditor asked for. */
function outsideOf({ height }: Anchor, start: number, end: number): string {
  return height < start ? `the file begins at ${start}` : `the chain ends at ${end}`;
}

function overdrawnAt(key: string, height: number): Divergence {
  const detail = `the ledger of ${key} is over its budget`;
  return { height: height + 1, transaction: null, key, reason: 'overdrawn', detail };
}

/** Every ledger in the state: none may stand over its cap. */
function checkLedgers(tip: Tip | null): { readonly count: number; readonly overdrawn: string | null } {
  let count = 0;
  let overdrawn: string | null = null;
  if (tip === null) return { count, overdrawn };
  const state = readState(tip.state);
  for (const [key] of treeEntries(tip.state)) {
    const [cellName, device, dataset] = [ledgerCell.key(), ...key.split('/').slice(-2)];
    if (key !== `${cellName}/${device}/${dataset}`) continue;
    const { rhoSpent, rhoCap } = ledgerCell.get(state, device!, dataset!)!;
    count += 1;
    if (rhoSpent > rhoCap) overdrawn ??= key;
  }
  return { count, overdrawn };
}
