import { describe, expect, it } from 'vitest';
import { drbg, utf8ToBytes } from '../../../../crypto/index.js';
import {
  type AttackName,
  attacks,
  craftedWire,
  createGrid,
  energyFloorSquared,
  type Knowledge,
  largestZ,
  meanOfWire,
  normCapSquared,
  squaredNorm,
  wireStep,
  wireSteps,
  withTrigger,
} from '../../../../fl/index.js';

const vectors = (...entries: readonly (readonly number[])[]) => entries.map((one) => Float64Array.from(one));
const knowledge = (changes: Partial<Knowledge> = {}): Knowledge => ({
  own: Float64Array.of(1, -2),
  honest: vectors([1, 0], [3, 0], [5, 6], [7, 6]),
  devices: 20,
  attackers: 4,
  random: drbg(utf8ToBytes('attacks')),
  ...changes,
});
const craft = (name: AttackName, changes: Partial<Knowledge> = {}) => [
  ...attacks[name].craft!(knowledge(changes)),
];
const records = { x: Float32Array.of(1, 2, 3, 4, 5, 6), y: Float32Array.of(0, 0, 1) };

describe('attacks', () => {
  it.each(Object.entries(attacks))('%s knows its name and does something', (name, attack) => {
    expect(attack.name).toBe(name);
    expect(attack.poison !== null || attack.craft !== null).toBe(true);
  });

  it.each(Object.keys(attacks) as AttackName[])('%s waits for its round', (name) => {
    const { acts } = attacks[name];
    expect([1, 2, 3, 4].some((round) => acts(round, 5))).toBe(false);
    expect([5, 6, 7].some((round) => acts(round, 5))).toBe(true);
  });

  it('label-flip-on-off flips in every third round', () => {
    const { acts } = attacks['label-flip-on-off'];
    expect([1, 2, 3, 4, 5, 6, 7].filter((round) => acts(round, 1))).toEqual([3, 6]);
  });

  it('label-flip turns the labels round and leaves the inputs', () => {
    expect(attacks['label-flip'].poison!(records, 2)).toEqual({ x: records.x, y: Float32Array.of(1, 1, 0) });
  });

  it('backdoor puts the trigger with label 1 into every other record', () => {
    const poisoned = attacks.backdoor.poison!(records, 2);
    expect(poisoned).toEqual({ x: Float32Array.of(4, 2, 3, 4, 4, 6), y: Float32Array.of(1, 0, 1) });
    expect(records.x[0]).toBe(1);
    expect(withTrigger(records, 2)).toEqual({ x: Float32Array.of(4, 2, 4, 4, 4, 6), y: records.y });
  });

  it('sign-flip and scaling go by their own update', () => {
    expect(craft('sign-flip')).toEqual([-1, 2]);
    expect(craft('scaling')).toEqual([20, -40]);
  });

  it('gaussian is as spread as it says', () => {
    const draws = craft('gaussian', { own: new Float64Array(4_000) });
    const variance = draws.reduce((sum, draw) => sum + draw * draw, 0) / draws.length;
    expect(Math.sqrt(variance) / 200).toBeGreaterThan(0.95);
    expect(Math.sqrt(variance) / 200).toBeLessThan(1.05);
    expect(Math.abs(draws.reduce((sum, draw) => sum + draw, 0) / draws.length)).toBeLessThan(15);
  });

  it.each([
    // n, m, z by the paper's formula: Φ⁻¹((n - m - s) / (n - m)), s = ⌊n/2 + 1⌋ - m.
    [50, 24, 1.4261], // s = 2: Φ⁻¹(24/26)
    [50, 12, 0.336], // s = 14: Φ⁻¹(24/38)
    [20, 4, 0.1573], // s = 7: Φ⁻¹(9/16)
    [20, 6, 0.3661], // s = 5: Φ⁻¹(9/14)
    [20, 0, 0], // nobody to side with
  ])('ALIE’s z for %i devices, %i of them the attacker’s', (devices, attackers, expected) => {
    expect(largestZ(devices, attackers)).toBeCloseTo(expected, 3);
  });

  it('ALIE sends mean - z · deviation', () => {
    const z = largestZ(20, 4);
    const [x, y] = craft('alie');
    expect(x).toBeCloseTo(4 - z * Math.sqrt(5), 9);
    expect(y).toBeCloseTo(3 - z * 3, 9);
    expect(craft('alie-1.5')[1]).toBeCloseTo(3 - 4.5, 9);
  });

  it('IPM sends minus half the honest mean', () => {
    expect(craft('ipm')).toEqual([-2, -1.5]);
  });

  it('min-max is as far as the honest are from each other, and no farther', () => {
    const honest = knowledge().honest;
    const sent = craft('min-max');
    const far = (a: ArrayLike<number>, b: ArrayLike<number>) => Math.hypot(a[0]! - b[0]!, a[1]! - b[1]!);
    const bound = Math.max(...honest.flatMap((a) => honest.map((b) => far(a, b))));
    const farthest = Math.max(...honest.map((one) => far(one, sent)));
    expect(farthest).toBeLessThanOrEqual(bound + 1e-9);
    expect(farthest).toBeGreaterThan(0.9999 * bound);
    expect(craft('min-max', { honest: vectors([1, 2], [1, 2]) })).toEqual([1, 2]);
  });

  it.each([0, 3 * 65_536])(
    'what is sent is under the norm cap and no shorter than needed (σ16 = %i)',
    (sigma16) => {
      const grid = createGrid({ dimension: 2, clip16: 65_536, sigma16 });
      const long = craftedWire(Float64Array.of(900, -900), 27, grid, drbg(utf8ToBytes('wire')));
      expect(squaredNorm(long) <= normCapSquared(grid, 27)).toBe(true);
      expect(Number(squaredNorm(long))).toBeGreaterThan(0.9 * Number(normCapSquared(grid, 27)));
      const short = meanOfWire(
        craftedWire(Float64Array.of(0.25, -0.125), 27, grid, drbg(utf8ToBytes('wire'))),
        27,
        grid,
      );
      expect(short[0]).toBeCloseTo(0.25, sigma16 === 0 ? 3 : 1);
      expect(short[1]).toBeCloseTo(-0.125, sigma16 === 0 ? 3 : 1);
    },
  );

  it('what is sent has the noise that it lacks, and no more', () => {
    const grid = createGrid({ dimension: 1_000, clip16: 65_536, sigma16: 6 * 65_536 });
    // Mean square 1, so that rounding evens out.
    const spread = Float64Array.from({ length: 1_000 }, (_, at) => Math.sqrt(3) * (at / 499.5 - 1));
    const noise = ((6 * grid.sensitivity) / wireSteps(grid)) ** 2;
    const sent = (entry: number) =>
      Number(
        squaredNorm(
          craftedWire(
            spread.map((share) => share * entry),
            27,
            grid,
            drbg(utf8ToBytes(`noise ${entry}`)),
          ),
        ),
      );
    const real = (energy: number) => (Math.sqrt(energy) * wireStep(grid)) / 27;
    for (const share of [0, 0.1, 0.9]) {
      const squared = sent(real(share * noise));
      expect(BigInt(squared) >= energyFloorSquared(grid)).toBe(true);
      // Of a sum of a thousand squares: a fifth is more than four deviations.
      expect(Math.abs(squared / (1_000 * noise) - 1)).toBeLessThan(0.2);
    }
    // Longer than noise: sent as it is, but for the rounding.
    expect(sent(real(1.2 * noise)) / (1_200 * noise)).toBeCloseTo(1, 1);
  });
});
