import type { StrategyName } from './byzantine/index.js';
import { MUTANTS } from './mutants.js';
import type { Finding, FindingKind } from './observer.js';
import { realChain } from './realChain.js';
import { type SimOptions, simulate } from './world.js';

/** Seeds in a row, alike but for the seed. Plain data: it goes to a worker thread. */
export interface Batch {
  readonly first: number;
  readonly seeds: number;
  readonly members: number;
  readonly heights: number;
  /** As in `SimOptions`; null: by the seed. */
  readonly byzantine: readonly StrategyName[] | null;
  readonly membership: boolean | null;
  readonly mutant: string | null;
  readonly realCrypto: boolean;
  /** Stop at the first finding. */
  readonly untilFound: boolean;
}

export interface SeedFinding extends Finding {
  readonly seed: number;
  readonly members: number;
}

/** What came of some batches. */
export interface Tally {
  readonly seeds: number;
  /** Heights at which all honest nodes agreed. */
  readonly heights: number;
  readonly emptyBlocks: number;
  readonly events: number;
  readonly dishonestSeeds: number;
  /** Heights with another ring than the one before. */
  readonly ringChanges: number;
  readonly periodMax: number;
  readonly mostPeriodsAfterHealing: number;
  readonly found: Readonly<Partial<Record<FindingKind, number>>>;
  /** The first ones. */
  readonly findings: readonly SeedFinding[];
}

const FINDINGS_KEPT = 20;

export const EMPTY_TALLY: Tally = {
  seeds: 0,
  heights: 0,
  emptyBlocks: 0,
  events: 0,
  dishonestSeeds: 0,
  ringChanges: 0,
  periodMax: 0,
  mostPeriodsAfterHealing: 0,
  found: {},
  findings: [],
};

export function runBatch(batch: Batch): Tally {
  const { first, seeds, members, heights, byzantine, membership, mutant, realCrypto, untilFound } = batch;
  const options: Omit<SimOptions, 'seed'> = {
    members,
    heights,
    ...(byzantine === null ? {} : { byzantine }),
    ...(membership === null ? {} : { membership }),
    ...(mutant === null ? {} : { mutant: MUTANTS[mutant]! }),
    ...(realCrypto ? { chain: realChain(members) } : {}),
  };
  let tally = EMPTY_TALLY;
  for (let seed = first; seed < first + seeds; seed++) {
    const outcome = simulate({ ...options, seed });
    const { finding } = outcome;
    tally = addTallies(tally, {
      seeds: 1,
      heights: outcome.heights,
      emptyBlocks: outcome.emptyBlocks,
      events: outcome.events,
      ringChanges: outcome.ringChanges,
      dishonestSeeds: outcome.strategies.some((names) => names.length > 0) ? 1 : 0,
      periodMax: outcome.periodMax,
      mostPeriodsAfterHealing: outcome.periodsAfterHealing,
      found: finding ? { [finding.kind]: 1 } : {},
      findings: finding ? [{ ...finding, seed, members }] : [],
    });
    if (finding && untilFound) break;
  }
  return tally;
}

export function addTallies(a: Tally, b: Tally): Tally {
  return {
    seeds: a.seeds + b.seeds,
    heights: a.heights + b.heights,
    emptyBlocks: a.emptyBlocks + b.emptyBlocks,
    events: a.events + b.events,
    ringChanges: a.ringChanges + b.ringChanges,
    dishonestSeeds: a.dishonestSeeds + b.dishonestSeeds,
    periodMax: Math.max(a.periodMax, b.periodMax),
    mostPeriodsAfterHealing: Math.max(a.mostPeriodsAfterHealing, b.mostPeriodsAfterHealing),
    found: b.findings.length > 0 ? addCounts(a.found, b.found) : a.found,
    findings: b.findings.length > 0 ? [...a.findings, ...b.findings].slice(0, FINDINGS_KEPT) : a.findings,
  };
}

function addCounts(a: Tally['found'], b: Tally['found']): Tally['found'] {
  const sum = new Map(Object.entries(a));
  for (const [kind, count] of Object.entries(b)) sum.set(kind, (sum.get(kind) ?? 0) + count);
  return Object.fromEntries(sum);
}

/** The one command that plays a seed again, with everything that happens in it. */
export function repeatCommand(batch: Omit<Batch, 'first' | 'seeds' | 'untilFound'>, seed: number): string {
  const { members, heights, byzantine, membership, mutant, realCrypto } = batch;
  const flags = [
    `--seed ${seed} --members ${members} --heights ${heights}`,
    ...(byzantine === null ? [] : [`--byzantine ${byzantine.join(',') || 'none'}`]),
    ...(membership === null ? [] : [`--membership ${membership ? 'always' : 'never'}`]),
    ...(mutant === null ? [] : [`--mutant ${mutant}`]),
    ...(realCrypto ? ['--real-crypto'] : []),
  ];
  return `npm run sim -- ${flags.join(' ')} --trace`;
}

/** By how many of a mixed run's seeds have so many members: small committees find more and cost less. */
const SHARES: Readonly<Record<number, number>> = { 4: 14, 5: 3, 7: 2, 10: 1 };

/** Splits seeds among sizes of committee, the first ones first. */
export function shareSeeds(
  seeds: number,
  sizes: readonly number[],
): readonly { readonly members: number; readonly seeds: number }[] {
  const shares = sizes.map((members) => SHARES[members] ?? 1);
  const total = shares.reduce((sum, share) => sum + share, 0);
  let shared = 0;
  let given = 0;
  return sizes.map((members, i) => {
    shared += shares[i]!;
    const until = Math.round((seeds * shared) / total);
    const own = until - given;
    given = until;
    return { members, seeds: own };
  });
}

/** Batches of a size that keeps workers evenly busy. */
export function splitBatch(batch: Batch, seedsEach: number): readonly Batch[] {
  const { first, seeds } = batch;
  return Array.from({ length: Math.ceil(seeds / seedsEach) }, (_, i) => ({
    ...batch,
    first: first + i * seedsEach,
    seeds: Math.min(seedsEach, seeds - i * seedsEach),
  }));
}
