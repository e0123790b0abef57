import { expect, it } from 'vitest';
import { freshBase, runSeeds } from './runSeeds.js';

/** Seeds that nobody has run before; with `freshSmall.test.ts` at least 20,000, on another core. */
const base = freshBase();
console.log(
  `fresh seeds at 5, 7, 10 members from ${base}; again: SIM_SEED=${base} npx vitest run --project fresh`,
);

const SEEDS = { 5: 3_000, 7: 1_500, 10: 500 } as const;
const AT_ONCE = 500;
const parts = Object.entries(SEEDS).flatMap(([members, seeds]) =>
  Array.from({ length: seeds / AT_ONCE }, (_, i) => ({
    members: Number(members),
    first: base + i * AT_ONCE,
  })),
);

it.each(parts)('$members members, seeds from $first', ({ members, first }) => {
  const { outcomes } = runSeeds({ first, seeds: AT_ONCE, members });
  expect(outcomes).toHaveLength(AT_ONCE);
});
