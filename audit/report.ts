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
  readonly parentVotes: number;
  readonly seeds: number;
  readonly transactions: number;
  readonly refusals: number;
  readonly stateRoots: number;
  readonly payloads: number;
  readonly updates: number;
  readonly verdicts: number;
  readonly models: number;
  readonly ledgers: number;
}

export interface AuditReport {
  readonly ok: boolean;
  readonly chainId: string;
  readonly head: { readonly height: number; readonly hash: string };
  readonly checked: Checked;
  readonly divergence: Divergence | null;
  /** What the audit takes for granted, and what it cannot prove. */
  readonly assumptions: readonly string[];
}

export const nothingChecked: Checked = {
  blocks: 0,
  emptyBlocks: 0,
  certificates: 0,
  certificateSignatures: 0,
  parentVotes: 0,
  seeds: 0,
  transactions: 0,
  refusals: 0,
  stateRoots: 0,
  payloads: 0,
  updates: 0,
  verdicts: 0,
  models: 0,
  ledgers: 0,
};

/** What a passed audit still rests on (DESIGN.md section 12). */
export function assumptionsOf(anchored: boolean): readonly string[] {
  return [
    'the genesis file is the one that the consortium agreed on',
    anchored
      ? 'the anchor names the head that the auditor knows from elsewhere'
      : 'fewer than a third of the keys that were ever trusted have leaked: a second valid history signed by leaked keys is not told from this one without an anchor',
    'that noise was really added by a device, and that two declared datasets do not overlap, is declared and cannot be seen',
  ];
}
