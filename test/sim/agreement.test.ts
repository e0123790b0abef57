import { describe, expect, it } from 'vitest';
import { STRATEGY_NAMES, type StrategyName } from './byzantine/index.js';
import { realChain } from './realChain.js';
import { runSeeds } from './runSeeds.js';
import { simulate } from './world.js';

describe('agreement, simulated: no fork, nobody honest accused, progress after healing', () => {
  it('4 members, by the seed, five heights each', () => {
    const { outcomes } = runSeeds({ first: 0, seeds: 600, members: 4 });
    // The runs must have been hard enough to mean something.
    expect(outcomes.filter(({ periodMax }) => periodMax >= 1).length).toBeGreaterThan(100);
    expect(outcomes.filter(({ periodsAfterHealing }) => periodsAfterHealing >= 1).length).toBeGreaterThan(20);
    expect(outcomes.filter(({ emptyBlocks }) => emptyBlocks > 0).length).toBeGreaterThan(100);
    expect(outcomes.filter(({ emptyBlocks, heights }) => emptyBlocks < heights).length).toBeGreaterThan(300);
    expect(outcomes.every(({ heights }) => heights === 5)).toBe(true);
    const followed = outcomes.flatMap(({ strategies }) => strategies.flat());
    expect(new Set(followed).size).toBe(STRATEGY_NAMES.length);
    const combined = outcomes.filter(({ strategies }) => strategies.some((names) => names.length > 1));
    expect(combined.length).toBeGreaterThan(50);
    const honest = outcomes.filter(({ strategies }) => strategies.every((names) => names.length === 0));
    expect(honest.length).toBeGreaterThan(50);
  });

  it.each(STRATEGY_NAMES)('4 members, one of them: %s', (name) => {
    const { outcomes } = runSeeds({ first: 0, seeds: 60, members: 4, byzantine: [name] });
    expect(outcomes.every(({ strategies }) => strategies.flat().join() === name)).toBe(true);
  });

  const COMBINED: readonly (readonly StrategyName[])[] = [
    ['equivocatingLeader', 'whisper', 'lateQuorum'],
    ['certThenNext', 'amnesia', 'replay'],
    ['badSeedProof', 'withheldPayload', 'selectiveSending'],
    ['chaos', 'forgedCertificate', 'voteFlood'],
  ];
  it.each(COMBINED)('7 members, two of them: %s, %s and %s at once', (...byzantine) => {
    runSeeds({ first: 0, seeds: 25, members: 7, byzantine });
  });

  it('1, 2 and 3 members, all honest', () => {
    for (const members of [1, 2, 3]) runSeeds({ first: 0, seeds: 50, members, byzantine: [] });
  });

  it('4 members, more heights', () => {
    runSeeds({ first: 0, seeds: 20, members: 4, heights: 20 });
  });

  it.each([4, 5, 7])('%i members, others join and leave while the network is bad', (members) => {
    const seeds = members === 4 ? 150 : 50;
    const { outcomes } = runSeeds({ first: 0, seeds, members, membership: true });
    const changed = outcomes.filter(({ ringChanges }) => ringChanges > 0);
    expect(changed.length).toBeGreaterThan(seeds / 5);
    expect(changed.filter(({ ringChanges }) => ringChanges > 1).length).toBeGreaterThan(seeds / 50);
    // Who joined has caught up, and so has who left.
    expect(outcomes.every(({ heights }) => heights === 5)).toBe(true);
    const drawn = runSeeds({ first: 0, seeds: 150, members }).outcomes;
    expect(drawn.some(({ ringChanges }) => ringChanges > 0)).toBe(true);
  });

  it('5 members and the identity contract: others join and leave', () => {
    const chain = realChain(5);
    const { outcomes } = runSeeds({ first: 0, seeds: 5, members: 5, heights: 8, membership: true, chain });
    expect(outcomes.filter(({ ringChanges }) => ringChanges > 0).length).toBeGreaterThan(1);
  });

  it.each([4, 7])('%i members on the node’s own blocks, seeds, committees and signatures', (members) => {
    const seeds = members === 4 ? 12 : 3;
    const { outcomes } = runSeeds({ first: 0, seeds, members, chain: realChain(members) });
    expect(outcomes.some(({ emptyBlocks, heights }) => emptyBlocks < heights)).toBe(true);
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
      expect(traces[0]!.lines.length).toBeGreaterThan(30);
    }
  });

  it('differ from seed to seed', () => {
    const times = Array.from({ length: 20 }, (_, seed) => simulate({ seed, members: 4 }).virtualMs);
    expect(new Set(times).size).toBe(20);
  });
});
