import { describe, expect, it } from 'vitest';
import {
  encodedWidth,
  medianDistance,
  membershipTest,
  proximityScores,
  type Records,
  synthesiseGaussian,
} from '../../../../fl/index.js';
import { jobOf, schema, seeded, table } from './jobs.js';

const width = encodedWidth(schema);

describe('a membership test', () => {
  it('is at chance where scores say nothing, tied or not', () => {
    expect(membershipTest([1, 1, 1], [1, 1, 1])).toEqual({ auroc: 0.5, balancedAccuracy: 0.5 });
    expect(membershipTest([1, 4], [2, 3])).toEqual({ auroc: 0.5, balancedAccuracy: 0.5 });
  });

  it('is right about scores that say all, and wrong about those that say the contrary', () => {
    expect(membershipTest([3, 4, 5], [0, 1, 2])).toEqual({ auroc: 1, balancedAccuracy: 1 });
    expect(membershipTest([0, 1], [2, 3])).toEqual({ auroc: 0, balancedAccuracy: 0 });
  });

  it('looks at as many of either', () => {
    expect(membershipTest([3, 0, 0, 0], [1])).toEqual({ auroc: 1, balancedAccuracy: 1 });
    expect(membershipTest([], [1])).toBeNull();
  });

  const members = table(150, 'members');
  const others = table(150, 'others');
  const reference = table(300, 'reference');
  const attack = (made: Records) => {
    const [of, than] = [members, others].map((some) => proximityScores(some, made, reference, width));
    return (['nearest', 'density'] as const).map((name) => membershipTest(of![name], than![name])!.auroc);
  };

  it('finds copies of the records, by distance and by density', () => {
    const [nearest, density] = attack(members);
    expect(nearest).toBeGreaterThan(0.95);
    expect(density).toBeGreaterThan(0.75);
  });

  it('finds nothing in rows of strangers, nor in those of the Gaussian', () => {
    const strangers = table(300, 'strangers');
    const gaussian = synthesiseGaussian(jobOf(150, { ...members, rows: 300 }), seeded('made'));
    for (const made of [strangers, gaussian.records])
      for (const found of attack(made)) expect(Math.abs(found - 0.5)).toBeLessThan(0.08);
  });

  it('needs the reference: the distance to the closest record is that of dense places', () => {
    expect(medianDistance(members, members, width)).toBe(0);
    expect(medianDistance(others, members, width)).toBeGreaterThan(0.1);
  });
});
