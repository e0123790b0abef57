/** The first thing that is wrong with a chain, where it is, and in which words. */
export interface Divergence {
  /** Height of the block; one past the last readable one if the file itself is broken. */
  readonly height: number;
  /** Index of the transaction in its block, where it is one that is wrong. */
  readonly transaction: number | null;
  /** Field, state key or payload that differs, where there is one. */
  readonly key: string | null;
  readonly reason: string;
  readonly detail: string;
}

/** How often each thing was checked. */
export interface Checked {
  readonly blocks: number;
  readonly emptyBlocks: number;
  readonly certificates: number;
  readonly certificateSignatures: number;
  readonly committees: number;
  readonly parentVotes: number;
  /** Every height's seed, the empty blocks' among them. */
  readonly seeds: number;
  /** Seeds that a leader's VRF proved. */
  readonly seedProofs: number;
  readonly transactionSignatures: number;
  /** Executed again. */
  readonly transactions: number;
  readonly refusals: number;
  readonly stateRoots: number;
  readonly payloads: number;
  readonly updates: number;
  readonly verdicts: number;
  readonly models: number;
  readonly ledgers: number;
}

/** Something that could not be checked, in which blocks, and why. */
export interface Unchecked {
  readonly what: string;
  readonly count: number;
  readonly first: number;
  readonly last: number;
  readonly why: string;
}

/**
 * Rounds of a task, one after another, that closed with a verdict. `marked`: their verdicts were taken from the
 * receipts as they stand, since the payloads that they were computed from are pruned.
 */
export interface RoundsChecked {
  readonly task: number;
  readonly how: 'recomputed' | 'marked';
  /** First and last round, and how many of those between closed with a verdict, these two included. */
  readonly from: number;
  readonly to: number;
  readonly closed: number;
  /** Heights at which the first and the last of them closed. */
  readonly firstHeight: number;
  readonly lastHeight: number;
  readonly verdicts: number;
}

/** A block whose hash the auditor knows from elsewhere. */
export interface Anchor {
  readonly height: number;
  /** 64 hex digits. */
  readonly hash: string;
}

export interface AuditReport {
  /** Nothing is wrong with what was checked. */
  readonly ok: boolean;
  /** Nothing is wrong, and everything that an audit checks could be checked. */
  readonly complete: boolean;
  /** Hash of the genesis. */
  readonly chainId: string;
  /** Heights that were checked; null if none was. */
  readonly range: { readonly from: number; readonly to: number } | null;
  readonly head: { readonly height: number; readonly hash: string };
  readonly checked: Checked;
  /** By task and round: which verdicts were computed again, and which were taken as marked inputs. */
  readonly rounds: readonly RoundsChecked[];
  readonly unchecked: readonly Unchecked[];
  readonly divergence: Divergence | null;
  /** `met`: the chain has this very block. */
  readonly anchors: readonly (Anchor & { readonly met: boolean })[];
  /** What the audit takes for granted, and what it cannot prove. */
  readonly assumptions: readonly string[];
}

export const nothingChecked: Checked = {
  blocks: 0,
  emptyBlocks: 0,
  certificates: 0,
  certificateSignatures: 0,
  committees: 0,
  parentVotes: 0,
  seeds: 0,
  seedProofs: 0,
  transactionSignatures: 0,
  transactions: 0,
  refusals: 0,
  stateRoots: 0,
  payloads: 0,
  updates: 0,
  verdicts: 0,
  models: 0,
  ledgers: 0,
};

export function addChecked(a: Checked, b: Partial<Checked>): Checked {
  const names = Object.keys(a) as (keyof Checked)[];
  return Object.fromEntries(names.map((name) => [name, a[name] + (b[name] ?? 0)])) as unknown as Checked;
}

/** What a passed audit still rests on. */
export function assumptionsOf(anchors: readonly Anchor[], head: number): readonly string[] {
  const highest = anchors.length === 0 ? null : Math.max(...anchors.map(({ height }) => height));
  return [
    'the genesis file is the one that the consortium agreed on',
    leaked(highest, head),
    'that noise was really added by a device, and that two declared datasets do not overlap, is declared and cannot be seen',
  ];
}

function leaked(highest: number | null, head: number): string {
  const keys = (where: string) =>
    `fewer than a third of the keys that were ever trusted have leaked: ${where}a second valid history signed by leaked keys is not told from this one without an anchor`;
  if (highest === null) return keys('');
  if (highest < head) return keys(`above height ${highest}, `);
  return 'the anchor names the head that the auditor knows from elsewhere';
}
