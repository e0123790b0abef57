import { describe, expect, it } from 'vitest';
import { type PresenceGame, playPresence } from '../../support/reputation.js';

/*
 * What is to be gained by leaving out votes. Seats are equal at first, so an even share of heights is 1/n; the
 * bounds leave room for four standard deviations of a fair draw over the heights that are looked at.
 */

const sum = (shares: readonly number[], who: readonly number[]) =>
  who.reduce((total, index) => total + shares[index]!, 0);

/** Four standard deviations of a share p over the second half of the heights. */
const slack = (p: number, { eras, eraHeights }: Pick<PresenceGame, 'eras' | 'eraHeights'>) =>
  4 * Math.sqrt((p * (1 - p)) / ((eras * eraHeights) / 2));

const always = () => true;
const nobody = () => [];
const even = { eras: 60, eraHeights: 32 };
const shortEras = { eras: 300, eraHeights: 4 };

describe('a leader that leaves out votes', () => {
  it.each([
    ['4 validators, eras of 32', { validators: 4, ...even }, [1]],
    ['7 validators, eras of 32', { validators: 7, ...even }, [1, 2]],
    ['7 validators, eras of 4', { validators: 7, ...shortEras }, [1, 2]],
  ] as const)('takes nothing from those whose votes they are: %s', (name, sizes, victims) => {
    const leavesOut = (leader: number) => (leader === 0 ? victims : []);
    const out = playPresence({ ...sizes, seed: name, hears: always, leavesOut });
    const fair = 1 / sizes.validators;
    expect(out.ledShare[0]).toBeLessThan(fair + slack(fair, sizes));
    for (const victim of victims) expect(out.points[victim]).toBe(Math.max(...out.points));
    expect(new Set(out.seats)).toEqual(new Set([sizes.validators]));
  });
});

describe('two dishonest of seven who leave out the same two', () => {
  const [first, second, ...victims] = [0, 1, 2, 3] as const;
  const leavesOut = (leader: number) => (leader === first || leader === second ? victims : []);

  it.each([
    ['eras of 32', even],
    ['eras of 4', shortEras],
  ] as const)('shrink neither the ring nor anybody’s weight: %s', (name, sizes) => {
    const out = playPresence({ validators: 7, ...sizes, seed: name, hears: always, leavesOut });
    expect(new Set(out.seats)).toEqual(new Set([7]));
    // Chance gives the two most blocks of an era now and then: the victims gain nothing in that one, and lose nothing.
    expect(Math.max(...out.points) - Math.min(...out.points)).toBeLessThan(5);
    expect(sum(out.ledShare, [first, second])).toBeLessThan(2 / 7 + slack(2 / 7, sizes));
  });

  it('gain little even over victims whose votes are late at the honest, too, two times in five', () => {
    // Late and left out together, the two stand in about half of the blocks. If half were not enough to keep a
    // weight, it would fall to 1, and the dishonest would lead two heights in five.
    const sizes = { eras: 200, eraHeights: 16 };
    const hears = (voter: number, _: number, random: () => number) =>
      !victims.some((victim) => victim === voter) || random() < 0.6;
    const out = playPresence({ validators: 7, ...sizes, seed: 'late and left out', hears, leavesOut });
    expect(new Set(out.seats)).toEqual(new Set([7]));
    // They stand where they began, give or take what chance does in 200 eras.
    for (const victim of victims) expect(out.points[victim]).toBeGreaterThan(100 - 3 * Math.sqrt(200));
    expect(sum(out.ledShare, [first, second])).toBeLessThan(1 / 3 + slack(1 / 3, sizes));
  });
});

describe('a validator that is always slowest', () => {
  it('loses weight down to 1, never its seat, and gets the weight back when it is in time', () => {
    const [slow, eras, eraHeights] = [2, 240, 8];
    const upTo = (end: number) =>
      playPresence({
        validators: 4,
        eras: end,
        eraHeights,
        seed: 'slowest',
        // As a leader it knows its own vote; nobody else hears it in time. From era 140 on all do.
        hears: (voter, era) => voter !== slow || era >= 140,
        leavesOut: nobody,
      });
    const worst = upTo(140);
    expect(worst.points[slow]).toBe(1);
    expect(worst.ledShare[slow]).toBeLessThan(1 / 4);
    expect(new Set(worst.seats)).toEqual(new Set([4]));
    const after = upTo(eras);
    expect(after.points[slow]).toBe(1 + eras - 140);
    expect(new Set(after.seats)).toEqual(new Set([4]));
  });
});
