import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  calibrateSigma16,
  epsilonMicroOfRho,
  gaussianEpsilon,
  rhoCap,
  roundRho,
} from '../../../../fl/index.js';
import { exp, normalDensity, ONE } from '../../../../fl/privacy/fixedPoint.js';
import { integerSqrt, integerSqrtCeil } from '../../../../fl/privacy/integerSqrt.js';
import file from '../../../vectors/gaussian-curve.json' with { type: 'json' };

describe('fixed point', () => {
  it('takes whole square roots, down and up', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 1n << 600n }), (value) => {
        const [down, up] = [integerSqrt(value), integerSqrtCeil(value)];
        expect(down * down <= value && (down + 1n) * (down + 1n) > value).toBe(true);
        expect(up * up >= value && (up === 0n || (up - 1n) * (up - 1n) < value)).toBe(true);
        expect(integerSqrtCeil(value * value)).toBe(value);
      }),
    );
  });

  it('holds 1/√(2π) to the last bit, by Machin’s π', () => {
    const bits = 600n;
    const arctanOfInverse = (n: bigint) => {
      let power = (1n << bits) / n;
      let sum = power;
      for (let k = 3n; power !== 0n; k += 2n) {
        power = -power / (n * n);
        sum += power / k;
      }
      return sum;
    };
    const pi = 4n * (4n * arctanOfInverse(5n) - arctanOfInverse(239n));
    expect(normalDensity(0n)).toBe(integerSqrt((1n << (512n + bits)) / (2n * pi)));
  });

  it('knows e', () => {
    // OEIS A001113
    const e = 2718281828459045235360287471352662497757247093699959574966967627n;
    const error = exp(ONE) - (e * ONE) / 10n ** 63n;
    expect((error < 0n ? -error : error) < ONE >> 205n).toBe(true);
    expect((exp(-ONE) * exp(ONE)) / ONE - ONE + 4n < 8n).toBe(true);
  });
});

describe('roundRho', () => {
  it('is 1/(2σ²) in 2^-40, rounded up', () => {
    expect(roundRho(65536)).toBe(1n << 39n);
    expect(roundRho(5 * 65536)).toBe((1n << 40n) / 50n + 1n);
    expect(roundRho(2 ** 31 - 1)).toBe(513n);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), (sigma16) => {
        const [rho, square] = [roundRho(sigma16), 2n * BigInt(sigma16) ** 2n];
        return rho * square >= 1n << 72n && (rho - 1n) * square < 1n << 72n;
      }),
    );
  });

  it.each([0, -1, 1.5, 2 ** 31, Number.NaN])('refuses a noise multiplier of %d', (sigma16) => {
    expect(() => roundRho(sigma16)).toThrow(/noise multiplier/);
  });
});

describe('the exact Gaussian curve in whole numbers', () => {
  it.each(file.caps)('rhoCap($epsilonMicro, $deltaPico)', ({ epsilonMicro, deltaPico, rho }) => {
    expect(rhoCap(epsilonMicro, deltaPico)).toBe(BigInt(rho));
    expect(rhoCap(epsilonMicro, deltaPico)).toBe(BigInt(rho));
  });

  it.each(file.epsilons)('epsilonMicroOfRho($rho, $deltaPico)', ({ rho, deltaPico, epsilonMicro }) => {
    expect(epsilonMicroOfRho(BigInt(rho), deltaPico)).toBe(epsilonMicro);
  });

  it('gives the design’s figure', () => {
    expect(Number(rhoCap(3_000_000, 100_000_000)) / 2 ** 40).toBeCloseTo(0.334199, 6);
  });

  it('rounds cap and ε so that the account’s ε is never overstated nor exceeded', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1000, max: 20_000_000 }),
        fc.integer({ min: 1, max: 10 ** 11 }),
        (epsilonMicro, deltaPico) => {
          const cap = rhoCap(epsilonMicro, deltaPico);
          expect(epsilonMicroOfRho(cap, deltaPico)).toBeLessThanOrEqual(epsilonMicro);
          // One more step of ρ is worth less than 1e-6 of ε, so it shows only if the cap was the largest.
          expect(epsilonMicroOfRho(cap + 1n, deltaPico)).toBe(epsilonMicro + 1);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('spends nothing at ρ = 0', () => {
    expect(epsilonMicroOfRho(0n, 1)).toBe(0);
  });

  it.each([
    [0, 1],
    [64_000_001, 1],
    [1.5, 1],
    [1, 0],
    [1, 10 ** 12],
    [1, 0.5],
  ])('refuses ε = %d, δ = %d', (epsilonMicro, deltaPico) => {
    expect(() => rhoCap(epsilonMicro, deltaPico)).toThrow(/range of/);
  });
});

describe('gaussianEpsilon', () => {
  it('gives the known value of 50 rounds at σ = 5, δ = 1e-5', () => {
    expect(gaussianEpsilon({ sigma: 5, rounds: 50, delta: 1e-5 })).toBeCloseTo(6.57297, 6);
  });

  it('agrees with the ledger', () => {
    const rho = 30n * roundRho(Math.round(6.7 * 65536));
    const ledger = epsilonMicroOfRho(rho, 100_000_000) / 1e6;
    expect(gaussianEpsilon({ sigma: Math.round(6.7 * 65536) / 65536, rounds: 30, delta: 1e-4 })).toBeCloseTo(
      ledger,
      5,
    );
  });

  it('is infinite above 64 and zero when δ alone covers the loss', () => {
    expect(gaussianEpsilon({ sigma: 0.1, rounds: 30, delta: 1e-5 })).toBe(Number.POSITIVE_INFINITY);
    expect(gaussianEpsilon({ sigma: 1000, rounds: 1, delta: 0.1 })).toBe(0);
  });
});

describe('calibrateSigma16', () => {
  it('finds the demo’s σ of 6.70', () => {
    const sigma16 = calibrateSigma16({ epsilonMicro: 3_000_000, deltaPico: 100_000_000, rounds: 30 });
    expect(sigma16 / 65536).toBeCloseTo(6.6995, 4);
  });

  it('is the least that fits', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(500_000, 3_000_000, 10_000_000),
        fc.integer({ min: 1, max: 2000 }),
        (epsilonMicro, rounds) => {
          const deltaPico = 10_000_000;
          const sigma16 = calibrateSigma16({ epsilonMicro, deltaPico, rounds });
          const spent = (s: number) => BigInt(rounds) * roundRho(s);
          expect(spent(sigma16) <= rhoCap(epsilonMicro, deltaPico)).toBe(true);
          expect(spent(sigma16 - 1) <= rhoCap(epsilonMicro, deltaPico)).toBe(false);
        },
      ),
    );
  });

  it('says so when no noise is enough', () => {
    expect(() => calibrateSigma16({ epsilonMicro: 1, deltaPico: 1, rounds: 1 })).toThrow(/no value in range/);
  });
});
