import { expect, it } from 'vitest';
import { freshBase, runSeeds } from './runSeeds.js';

/** Seeds that nobody has run before; with `freshLarge.test.ts` at least 20,000, on another core. */
const base = freshBase();
const SEEDS = 1_000;
console.log(`fresh seeds at 4 members from ${base}; again: SIM_SEED=${base} npx vitest run --project fresh`);

it.each(Array.from({ length: 15 }, (_, i) => base + i * SEEDS))('4 members, seeds from %i', (first) => {
  const { outcomes } = runSeeds({ first, seeds: SEEDS, members: 4 });
  expect(outcomes).toHaveLength(SEEDS);
});
