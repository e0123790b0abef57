import { describe, expect, it } from 'vitest';
import { BEHAVIOURS, type BehaviourName } from './byzantine.js';
import { MUTANTS } from './mutants.js';
import { realSigner } from './signer.js';
import { type SimOptions, type SimOutcome, simulate } from './world.js';

/** Runs seeds; a finding fails with the seed and the command that repeats it. */
function runSeeds(first: number, seeds: number, options: Omit<SimOptions, 'seed'>): readonly SimOutcome[] {
  return Array.from({ length: seeds }, (_, index) => {
    const seed = first + index;
    const outcome = simulate({ ...options, seed });
    if (outcome.finding) expect.fail(describeFinding(outcome, options));
    return outcome;
  });
}

function describeFinding({ seed, finding }: SimOutcome, { members, behaviour }: Omit<SimOptions, 'seed'>) {
  const flag = behaviour === undefined ? '' : ` --behaviour ${behaviour ?? 'none'}`;
  const command = `npm run sim -- --first ${seed} --seeds 1 --members ${members}${flag} --trace`;
  return `seed ${seed}: ${finding?.kind}: ${finding?.detail}\nrepeat: ${command}`;
}

/** A part of the seeds is new in every run; its beginning is printed in each failure. */
const fresh = 1_000_000 + (Date.now() % 1_000_000_000);

describe('agreement, simulated: no fork, nobody honest accused, progress after healing', () => {
  it('4 members, 1,000 seeds, three heights each', () => {
    const outcomes = runSeeds(0, 1_000, { members: 4 });
    // The runs must have been hard enough to mean something.
    expect(outcomes.filter(({ periodMax }) => periodMax >= 1).length).toBeGreaterThan(100);
    expect(outcomes.filter(({ emptyBlocks }) => emptyBlocks > 0).length).toBeGreaterThan(100);
    expect(new Set(outcomes.map(({ behaviour }) => behaviour)).size).toBe(Object.keys(BEHAVIOURS).length + 1);
  });

  it('4 members, 200 fresh seeds', () => {
    runSeeds(fresh, 200, { members: 4 });
  });

  it('4 members, all honest', () => {
    runSeeds(0, 300, { members: 4, behaviour: null });
  });

  it.each(Object.keys(BEHAVIOURS) as BehaviourName[])('4 members, one of them: %s', (behaviour) => {
    runSeeds(0, 60, { members: 4, behaviour });
  });

  it('5 members', () => {
    runSeeds(0, 200, { members: 5 });
  });

  it('7 members, two of them dishonest', () => {
    runSeeds(0, 150, { members: 7 });
  });

  it('1, 2 and 3 members, all honest', () => {
    for (const members of [1, 2, 3]) runSeeds(0, 50, { members, behaviour: null });
  });

  it('4 members, more heights', () => {
    runSeeds(0, 20, { members: 4, heights: 15 });
  });

  it('4 members, Ed25519 signatures', () => {
    const signer = realSigner(4);
    runSeeds(0, 25, { members: 4, heights: 2, signer });
  });
});

describe('agreement, simulated: the runs themselves', () => {
  it('are the same for the same seed', () => {
    for (const seed of [3, 52, 191]) {
      const traces = [0, 1].map(() => {
        const lines: string[] = [];
        const outcome = simulate({ seed, members: 4, trace: (line) => lines.push(line) });
        return { lines, outcome };
      });
      expect(traces[0]).toEqual(traces[1]);
      expect(traces[0]!.lines.length).toBeGreaterThan(10);
    }
  });

  const SEEDS_UNTIL_NOTICED = 3_000;
  it.each(Object.keys(MUTANTS))('notice a broken machine: %s', (mutant) => {
    let seed = 0;
    while (seed < SEEDS_UNTIL_NOTICED && !simulate({ seed, members: 4, ...MUTANTS[mutant] }).finding) seed++;
    expect(seed, 'seeds until noticed').toBeLessThan(SEEDS_UNTIL_NOTICED);
  });
});
