import { describe, expect, it } from 'vitest';
import { type Episode, faultKinds, hitBy, planEpisodes } from '../../faults/plan.js';

function episodes(seed: number, members: number, count: number): Episode[] {
  const found: Episode[] = [];
  for (const episode of planEpisodes(seed, { members })) {
    found.push(episode);
    if (found.length === count) break;
  }
  return found;
}

const hit = ({ faults }: Episode, members: number) =>
  new Set(faults.flatMap(({ fault }) => hitBy(fault, members)));

describe('the plan of faults', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(episodes(7, 4, 20)).toEqual(episodes(7, 4, 20));
    expect(episodes(7, 4, 20)).not.toEqual(episodes(8, 4, 20));
  });

  it.each([4, 5, 7, 10])('hits at most f of %i members at once, except in episodes beyond', (members) => {
    const f = Math.floor((members - 1) / 3);
    const all = Array.from({ length: 50 }, (_, seed) => episodes(seed, members, 20)).flat();
    for (const episode of all) {
      const count = hit(episode, members).size;
      if (!episode.beyond) expect(count).toBeLessThanOrEqual(f);
    }
    const beyond = all.filter((episode) => episode.beyond);
    expect(beyond.length).toBeGreaterThan(all.length / 10);
    expect(beyond.length).toBeLessThan(all.length / 2);
    // Most of these really hit more than f (a partition of half and half hits only one side), and some hit all.
    expect(beyond.filter((episode) => hit(episode, members).size > f).length).toBeGreaterThan(
      beyond.length / 2,
    );
    expect(beyond.some((episode) => hit(episode, members).size === members)).toBe(true);
  });

  it('has every kind at least three times among the first 50 faults', () => {
    for (let seed = 0; seed < 100; seed += 1) {
      const faults = episodes(seed, 4, 30).flatMap((episode) =>
        episode.faults.map(({ fault }) => fault.kind),
      );
      const counts = faultKinds.map((kind) => faults.slice(0, 50).filter((other) => other === kind).length);
      expect(Math.min(...counts)).toBeGreaterThanOrEqual(3);
    }
  });

  it('leaves two sides to every partition, and ends every fault', () => {
    for (let seed = 0; seed < 200; seed += 1) {
      const faults = episodes(seed, 7, 20).flatMap((episode) => episode.faults);
      expect(Math.max(...faults.map(({ atMs, forMs }) => atMs + forMs))).toBeLessThan(25_000);
      const sides = faults.flatMap(({ fault }) => (fault.kind === 'partition' ? [fault.side.length] : []));
      expect(Math.min(...sides)).toBeGreaterThan(0);
      expect(Math.max(...sides)).toBeLessThan(7);
    }
  });

  it('draws only the kinds that it is given', () => {
    const plan = planEpisodes(1, { members: 4, kinds: ['kill', 'drop'] });
    for (let i = 0; i < 50; i += 1) {
      const { faults } = plan.next().value;
      for (const { fault } of faults) expect(['kill', 'drop']).toContain(fault.kind);
    }
  });

  it('refuses fewer than four members', () => {
    expect(() => planEpisodes(1, { members: 3 }).next()).toThrow(RangeError);
  });
});
