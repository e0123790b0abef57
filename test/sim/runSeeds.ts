import { expect } from 'vitest';
import { HEIGHTS } from './plan.js';
import { repeatCommand } from './task.js';
import { type SimOptions, type SimOutcome, simulate } from './world.js';

/** Runs seeds in a row; a finding fails the test with the command that repeats it. */
export function runSeeds(
  options: Omit<SimOptions, 'seed'> & { readonly first: number; readonly seeds: number },
): { readonly outcomes: readonly SimOutcome[] } {
  const { first, seeds, ...rest } = options;
  const { members, heights = HEIGHTS, byzantine = null, membership = null } = rest;
  const outcomes = Array.from({ length: seeds }, (_, i) => {
    const outcome = simulate({ ...rest, seed: first + i });
    if (outcome.finding) {
      const { kind, detail } = outcome.finding;
      const realCrypto = rest.chain !== undefined;
      const command = repeatCommand(
        { members, heights, byzantine, membership, mutant: null, realCrypto },
        first + i,
      );
      expect.fail(`${kind}: ${detail}\nrepeat: ${command}`);
    }
    return outcome;
  });
  return { outcomes };
}

/** Where fresh seeds begin: new in every run, unless the environment names one of an earlier run. */
export function freshBase(): number {
  const { SIM_SEED } = process.env;
  const base = SIM_SEED === undefined ? Date.now() % 2 ** 31 : Number(SIM_SEED);
  if (!Number.isSafeInteger(base) || base < 0) throw new RangeError('SIM_SEED: a whole number');
  return base;
}
