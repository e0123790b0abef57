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
