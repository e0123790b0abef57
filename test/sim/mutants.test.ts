import { describe, expect, it } from 'vitest';
import { MUTANTS } from './mutants.js';
import { FINDINGS } from './observer.js';
import { HEIGHTS } from './plan.js';
import { runBatch } from './task.js';

/** Fixed seeds, so that a mutant is found here or never; `npm run sim:mutants` searches from several others. */
const SEEDS_MAX = 20_000;

describe('the simulation notices a broken rule', () => {
  const noticedAs = new Set<string>();

  it.each(Object.keys(MUTANTS))('%s', (mutant) => {
    const { found, seeds } = runBatch({
      first: 0,
      seeds: SEEDS_MAX,
      members: 4,
      heights: HEIGHTS,
      byzantine: null,
      mutant,
      realCrypto: false,
      untilFound: true,
    });
    const kinds = Object.keys(found);
    expect(kinds, `after ${seeds} seeds`).toHaveLength(1);
    for (const kind of kinds) noticedAs.add(kind);
  });

  it('by each of the observer’s checks: none of them is idle', () => {
    expect([...noticedAs].sort()).toEqual(Object.keys(FINDINGS).sort());
  });
});
