import { describe, expect, it } from 'vitest';
import { drbg, type RandomBytes, utf8ToBytes } from '../../../../crypto/index.js';
import { createDiscreteGaussian, discreteGaussian } from '../../../../fl/index.js';
import { bernoulli, bernoulliExp, bernoulliExpSmall } from '../../../../fl/privacy/bernoulli.js';
import { createUniform } from '../../../../fl/privacy/uniform.js';
import { fitDiscreteGaussian } from './goodnessOfFit.js';

const seeded = (name: string): RandomBytes => drbg(utf8ToBytes(name));

function times<T>(count: number, draw: () => T): T[] {
  return Array.from({ length: count }, draw);
}

/** Replays given bytes, then fails. */
function script(...bytes: number[]): RandomBytes {
  return (count) => {
    if (bytes.length < count) throw new Error('script is over');
    return Uint8Array.from(bytes.splice(0, count));
  };
}

/** A normal number by Box and Muller: what a careless implementation would round. */
function normal(random: RandomBytes): number {
  const uniform = () => {
    const bytes = random(6);
    return (bytes.reduce((value, byte) => value * 256 + byte, 0) + 0.5) / 2 ** 48;
  };
  return Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

describe('uniform and Bernoulli draws', () => {
  it.each([1, 2, 3, 5, 7, 100, 255, 256])('below(%i) is exactly uniform over all bytes', (n) => {
    const counts = new Array<number>(n).fill(0);
    for (let byte = 0; byte < 256; byte++) {
      try {
        counts[createUniform(script(byte), 1).below(n)]!++;
      } catch (error) {
        // The byte was passed over and a second one asked for: it lies beyond the last whole multiple of n.
        expect(String(error)).toContain('script is over');
        expect(byte).toBeGreaterThanOrEqual(256 - (256 % n));
      }
    }
    expect(new Set(counts).size).toBe(1);
    expect(counts[0]).toBe(n === 1 ? 256 : Math.floor(256 / n));
  });

  it('takes several bytes for a large bound, the first one as the highest', () => {
    expect(createUniform(script(1, 2, 3), 1).below(2 ** 24)).toBe(0x010203);
    expect(createUniform(script(0xff, 0xff, 0xff, 0xff, 0xff), 1).below(2 ** 40)).toBe(2 ** 40 - 1);
  });

  it('compares as many digits with the fraction as it takes', () => {
    // 1/3 is 0.555... in base 16: a draw that agrees in 32 digits is decided by the next 32.
    const equal = [0x55, 0x55, 0x55, 0x55];
    expect(bernoulli(createUniform(script(0x55, 0x55, 0x55, 0x54), 1), 1n, 3n)).toBe(true);
    expect(bernoulli(createUniform(script(0x55, 0x55, 0x55, 0x56), 1), 1n, 3n)).toBe(false);
    expect(bernoulli(createUniform(script(...equal, ...equal, 0, 0, 0, 0), 1), 1n, 3n)).toBe(true);
    expect(bernoulli(createUniform(script(...equal, ...equal, 0xff, 0, 0, 0), 1), 1n, 3n)).toBe(false);
    // A fraction that ends is never drawn "below" on its own digits.
    expect(bernoulli(createUniform(script(0x80, 0, 0, 0), 1), 1n, 2n)).toBe(false);
  });

  it.each([
    [0n, 1n],
    [1n, 2n],
    [1n, 1n],
    [5n, 2n],
    [7n, 2n],
  ])('is true with probability exp(-%i/%i)', (numerator, denominator) => {
    const count = 20_000;
    const uniform = createUniform(seeded('exp'), 64);
    const p = Math.exp(-Number(numerator) / Number(denominator));
    const tolerance = 5 * Math.sqrt((p * (1 - p)) / count);
    const share = (draw: () => boolean) => times(count, draw).filter(Boolean).length / count;
    expect(Math.abs(share(() => bernoulliExp(uniform, numerator, denominator)) - p)).toBeLessThanOrEqual(
      tolerance,
    );
    if (numerator > denominator) return;
    const small = () => bernoulliExpSmall(uniform, Number(numerator), Number(denominator));
    expect(Math.abs(share(small) - p)).toBeLessThanOrEqual(tolerance);
  });
});

describe('discreteGaussian', () => {
  // The last one is that of the demo: (σ · sensitivity)² with σ = 6.7 and 303 fine units.
  const cases = [
    { variance: [1n, 3n], width: 1 },
    { variance: [1n, 1n], width: 1 },
    { variance: [7n, 2n], width: 1 },
    { variance: [40n, 1n], width: 1 },
    { variance: [(439091n * 303n) ** 2n, 1n << 32n], width: 601 },
  ] as const;

  it.each(cases)('fits the exact probabilities at variance $variance', ({ variance, width }) => {
    const [numerator, denominator] = variance;
    const value = Number(numerator) / Number(denominator);
    const draw = createDiscreteGaussian(seeded('fit'), numerator, denominator);
    const samples = times(40_000, draw);
    expect(samples.every(Number.isSafeInteger)).toBe(true);
    expect(fitDiscreteGaussian(samples, value, width)).toMatchObject({ fits: true });
  });

  it('fits when drawn one at a time too', () => {
    const random = seeded('one');
    const samples = times(20_000, () => Number(discreteGaussian(random, 7n, 2n)));
    expect(fitDiscreteGaussian(samples, 3.5)).toMatchObject({ fits: true });
  });

  it.each(cases)('would not fit with 10 % less variance at $variance', ({ variance, width }) => {
    const [numerator, denominator] = variance;
    const value = Number(numerator) / Number(denominator);
    const draw = createDiscreteGaussian(seeded('fit'), 9n * numerator, 10n * denominator);
    expect(fitDiscreteGaussian(times(40_000, draw), value, width)).toMatchObject({ fits: false });
  });

  it.each([1 / 3, 1])('a rounded continuous normal does not fit at variance %d', (variance) => {
    const random = seeded('impostor');
    const samples = times(40_000, () => Math.round(normal(random) * Math.sqrt(variance)));
    expect(fitDiscreteGaussian(samples, variance)).toMatchObject({ fits: false });
  });

  // At larger deviations a rounded normal has the right probabilities to e^(-2π²σ²): only its digits betray it.
  // Shifts by one fine unit are what two neighbouring tables differ by. An exact draw reaches every whole number, so no
  // output tells the tables apart for certain; a double noise has gaps, and its last bits say which sum it was added to.
  it('reaches every remainder of a wide draw; a float that was scaled and rounded late does not', () => {
    const step = 2 ** 12;
    const draw = createDiscreteGaussian(seeded('remainders'), 2n ** 60n, 1n);
    const exact = times(4 * step, draw);
    const random = seeded('float32');
    // A normal in single precision, as most libraries draw it: of 24 bits, at a deviation of 2^30.
    const impostor = times(4 * step, () => Math.round(2 ** 30 * Math.fround(normal(random))));
    const even = (samples: readonly number[]) => samples.filter((x) => x % 16 === 0).length / samples.length;
    expect(Math.abs(even(exact) - 1 / 16)).toBeLessThan(5 * Math.sqrt(1 / 16 / (4 * step)));
    expect(even(impostor)).toBeGreaterThan(0.5);
  });

  it('has the tail that it should: past 3, 4 deviations and out to where 24 bits of uniform end', () => {
    const [deviation, count] = [2, 100_000];
    const draw = createDiscreteGaussian(seeded('tail'), BigInt(deviation * deviation), 1n);
    const samples = times(count, draw);
    const weight = (x: number) => Math.exp((-x * x) / (2 * deviation * deviation));
    let total = 1;
    for (let x = 1; x < 40; x++) total += 2 * weight(x);
    for (const from of [6, 7, 8, 9]) {
      let p = 0;
      for (let x = from; x < 40; x++) p += (2 * weight(x)) / total;
      const beyond = samples.filter((x) => Math.abs(x) >= from).length;
      expect(Math.abs(beyond - p * count)).toBeLessThan(5.5 * Math.sqrt(p * count) + 3);
    }
    // An impostor whose uniform has 8 bits can't go beyond √(2 ln 512) = 3.5 deviations.
    const random = seeded('short uniform');
    const short = times(count, () => {
      const [u, v] = [(random(1)[0]! + 0.5) / 256, random(1)[0]! / 256];
      return Math.round(deviation * Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * v));
    });
    expect(samples.some((x) => Math.abs(x) >= 9)).toBe(true);
    expect(short.some((x) => Math.abs(x) >= 8)).toBe(false);
  });

  it('an impostor that favours one sign or counts zero twice does not fit', () => {
    const draw = createDiscreteGaussian(seeded('sign'), 7n, 2n);
    let flips = 0;
    const lopsided = times(40_000, () => {
      const x = draw();
      return x < 0 && flips++ % 10 === 0 ? -x : x;
    });
    expect(fitDiscreteGaussian(lopsided, 3.5)).toMatchObject({ fits: false });
    const random = seeded('zero');
    const zeroTwice = times(40_000, () => (random(1)[0]! % 10 === 0 ? 0 : draw()));
    expect(fitDiscreteGaussian(zeroTwice, 3.5)).toMatchObject({ fits: false });
  });

  it('refuses a variance that is not positive or too large', () => {
    const random = seeded('range');
    expect(() => discreteGaussian(random, 0n, 1n)).toThrow(/variance/);
    expect(() => discreteGaussian(random, 1n, 0n)).toThrow(/variance/);
    expect(() => discreteGaussian(random, 1n << 80n, 1n)).toThrow(/deviation/);
  });

  it('refuses a source that returns less than it is asked for', () => {
    expect(() => discreteGaussian(() => new Uint8Array(1), 1n, 1n)).toThrow(/random source/);
  });
});
