import { ALPHA_MAX, ALPHA_MIN, dirichlet } from './dirichlet.js';
import { iid } from './iid.js';
import type { PartitionRule } from './rule.js';
import { site } from './site.js';

export type { PartitionInput, PartitionResult, PartitionRule } from './rule.js';
export { ALPHA_MAX, ALPHA_MIN, dirichlet, iid, site };

/** How rows are dealt to devices, by name; `dirichlet:ALPHA` takes its number along. */
export const partitionNames = ['iid', 'site', 'dirichlet:ALPHA'] as const;

/** The rule of a name, or null if there is none: "iid", "site", "dirichlet:0.1". */
export function partitionRule(name: string): PartitionRule | null {
  if (name === 'iid') return iid;
  if (name === 'site') return site;
  const alpha = /^dirichlet:(\d+\.?\d*|\.\d+)$/.exec(name)?.[1];
  if (alpha === undefined || Number(alpha) < ALPHA_MIN || Number(alpha) > ALPHA_MAX) return null;
  return dirichlet(Number(alpha));
}
