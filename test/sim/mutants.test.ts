import { describe, expect, it } from 'vitest';
import type { StrategyName } from './byzantine/index.js';
import { MUTANTS } from './mutants.js';
import { FINDINGS } from './observer.js';
import { HEIGHTS } from './plan.js';
import { runBatch } from './task.js';

/** Fixed seeds, so that a mutant is found here or never; `npm run sim:mutants` searches at large. */
const SEEDS_MAX = 20_000;

/**
 * Where to look for those that need thousands of seeds, so that this takes seconds. If the simulation draws
 * otherwise one day, the search just goes on from there.
 */
const NEAR: Readonly<
  Record<string, { readonly first: number; readonly byzantine: readonly StrategyName[] }>
> = {
  'justification-forgotten': { first: 1_700, byzantine: ['equivocatingLeader'] },
  'soft-quorum-not-persisted': { first: 1_700, byzantine: ['equivocatingLeader'] },
  'next-despite-carried': { first: 3_200, byzantine: ['emptyPartisan'] },
};

describe('the simulation notices a broken rule', () => {
  const noticedAs = new Set<string>();

  it.each(Object.keys(MUTANTS))('%s', (mutant) => {
    const { first, byzantine } = NEAR[mutant] ?? { first: 0, byzantine: null };
    const { found, seeds } = runBatch({
      first,
      seeds: SEEDS_MAX,
      members: 4,
      heights: HEIGHTS,
      byzantine,
      membership: null,
      mutant,
      realCrypto: false,
      untilFound: true,
    });
    const kinds = Object.keys(found);
    expect(kinds, `after ${seeds} seeds`).toHaveLength(1);
    for (const kind of kinds) noticedAs.add(kind);
  });

  it.each([
    'ring-of-former-era',
    'ring-without-lag',
    'quorum-of-genesis',
    'approval-without-seat',
    'approved-by-a-minority',
  ])('%s, by joining and leaving alone', (mutant) => {
    const batch = { first: 0, seeds: 300, members: 4, heights: HEIGHTS, byzantine: null, realCrypto: false };
    expect(runBatch({ ...batch, membership: false, mutant, untilFound: true }).found).toEqual({});
    expect(runBatch({ ...batch, membership: true, mutant, untilFound: true }).seeds).toBeLessThan(100);
  });

  it('by each of the observer’s checks: none of them is idle', () => {
    expect([...noticedAs].sort()).toEqual(Object.keys(FINDINGS).sort());
  });
});
