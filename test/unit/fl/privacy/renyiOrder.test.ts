import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  epsilonMicroOfLedger,
  epsilonMicroOfRho,
  epsilonOfRenyi,
  fitsBudget,
  fixedClipping,
  LEDGER_ORDERS,
  ledgerCap,
  ledgerOrderFor,
  oneStep,
  RENYI_COST_MAX,
  renyiCap,
  renyiCost,
  renyiDivergence,
  roundRho,
} from '../../../../fl/index.js';
import { bitLength, exp, expUp, logarithm, ONE } from '../../../../fl/privacy/fixedPoint.js';

const UNIT = 2 ** 40;

describe('logarithm', () => {
  it('undoes exp, for ratios of any size', () => {
    for (const [n, d] of [
      [2n, 1n],
      [1n, 3n],
      [10n ** 40n, 7n],
      [5n, 10n ** 12n],
      [1n, 1n],
      [2n ** 64n + 1n, 2n ** 64n],
    ] as const) {
      const back = exp(logarithm(n, d));
      const error = back * d - n * ONE;
      expect((error < 0n ? -error : error) <= ((n * ONE) >> 200n) + d).toBe(true);
    }
    // OEIS A002162
    const ln2 = 693147180559945309417232121458176568075500134360255254120680n;
    const error = logarithm(2n, 1n) - (ln2 * ONE) / 10n ** 60n;
    expect((error < 0n ? -error : error) < ONE >> 190n).toBe(true);
    expect([1n, 2n, 255n, 256n, 2n ** 300n].map(bitLength)).toEqual([1, 2, 8, 9, 301]);
  });

  it('expUp is never below exp, nor far above', () => {
    for (const x of [0n, ONE / 3n, ONE, 20n * ONE, 100n * ONE]) {
      const { mantissa, exponent } = expUp(x);
      const up = mantissa << exponent;
      expect(up > exp(x)).toBe(true);
      expect(up - exp(x) < exp(x) >> 190n).toBe(true);
    }
  });
});

describe('renyiCost', () => {
  it('is the accountant’s divergence, rounded up to 2^-40 nats', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...LEDGER_ORDERS),
        fc.integer({ min: 40_000, max: 2_000_000 }),
        fc.integer({ min: 1, max: 2 ** 32 }),
        (order, sigma16, rate32) => {
          const exact =
            renyiDivergence({ sigma: sigma16 / 65_536, rate: rate32 / 2 ** 32, rounds: 1 }, order) * UNIT;
          const cost = Number(renyiCost(order, sigma16, rate32));
          if (exact > Number(RENYI_COST_MAX)) expect(cost).toBe(Number(RENYI_COST_MAX));
          else {
            expect(cost).toBeGreaterThanOrEqual(exact * (1 - 1e-9));
            expect(cost).toBeLessThanOrEqual(exact * (1 + 1e-9) + 1);
          }
        },
      ),
      { numRuns: 60, seed: 3 },
    );
  });

  it('without sampling is α times the ρ of the Gaussian ledger, and at least a unit always', () => {
    for (const order of [2, 33, 256]) {
      const rho = roundRho(439_091);
      const cost = renyiCost(order, 439_091, 2 ** 32);
      expect(cost <= BigInt(order) * rho).toBe(true);
      expect(cost > BigInt(order) * (rho - 1n)).toBe(true);
      expect(renyiCost(order, 2 ** 31 - 1, 1)).toBe(1n);
    }
  });

  it('never exceeds what a ledger can count, however little noise', () => {
    expect(renyiCost(256, 1, 2 ** 32)).toBe(RENYI_COST_MAX);
    expect(renyiCost(256, 1, 1)).toBe(RENYI_COST_MAX);
    expect(renyiCost(2, 100, 5)).toBe(RENYI_COST_MAX);
  });

  it.each([
    [1, 65_536, 1],
    [65, 65_536, 1],
    [2.5, 65_536, 1],
    [2, 0, 1],
    [2, 1.5, 1],
    [2, 2 ** 31, 1],
    [2, 1, 0],
    [2, 1, 2 ** 32 + 1],
  ])('refuses order %d, σ %d, rate %d', (order, sigma16, rate32) => {
    expect(() => renyiCost(order, sigma16, rate32)).toThrow();
  });
});

describe('renyiCap', () => {
  it('is the most that keeps ε at δ by the accountant’s conversion', () => {
    for (const order of LEDGER_ORDERS) {
      for (const [epsilonMicro, deltaPico] of [
        [3_000_000, 100_000_000],
        [500_000, 1_000_000],
        [64_000_000, 1],
      ] as const) {
        const cap = renyiCap(order, epsilonMicro, deltaPico);
        const at = (units: number) => epsilonOfRenyi([order], [units / UNIT], deltaPico / 1e12);
        if (cap === null) expect(at(2 ** 36)).toBeGreaterThan(epsilonMicro / 1e6);
        else {
          expect(at(Number(cap))).toBeLessThanOrEqual((epsilonMicro / 1e6) * (1 + 1e-12));
          expect(at(Number(cap) + 4 * 2 ** 10)).toBeGreaterThan(epsilonMicro / 1e6);
          expect(cap < RENYI_COST_MAX).toBe(true);
        }
      }
    }
  });

  it('finds the order with most rounds: as many as the accountant over these orders allows', () => {
    const [sigma16, rate32] = [Math.round(1.5 * 65_536), Math.round(0.05 * 2 ** 32)];
    const task = {
      privacy: { unit: 'record', sigma16 },
      local: { ...oneStep, rate32 },
      clipping: fixedClipping,
    } as const;
    const budget = { epsilonMicro: 2_160_000, deltaPico: 1_000_000 };
    expect(fitsBudget({ ...budget, rounds: 98 }, task)).toBe(true);
    expect(fitsBudget({ ...budget, rounds: 101 }, task)).toBe(false);
    const order = ledgerOrderFor(budget, task)!;
    const rounds = (at: number) => renyiCap(at, 2_160_000, 1_000_000)! / renyiCost(at, sigma16, rate32);
    for (const other of [order - 1, order + 1]) expect(rounds(other) <= rounds(order)).toBe(true);
    expect(ledgerOrderFor(budget, { ...task, local: oneStep })).toBeNull();
  });

  it('has an inverse, for people: never above ε of the account', () => {
    for (const order of LEDGER_ORDERS) {
      const cap = ledgerCap(order, 3_000_000, 100_000_000);
      if (cap === null) continue;
      const at = (rhoSpent: bigint) => epsilonMicroOfLedger({ order, rhoSpent, deltaPico: 100_000_000 });
      expect(at(cap)).toBeLessThanOrEqual(3_000_000);
      expect(at(cap)).toBeGreaterThan(2_999_990);
      expect(at(cap / 2n)).toBeLessThan(at(cap));
      expect(at(0n)).toBe(0);
    }
    const rhoSpent = 1n << 36n;
    expect(epsilonMicroOfLedger({ order: null, rhoSpent, deltaPico: 1e8 })).toBe(
      epsilonMicroOfRho(rhoSpent, 1e8),
    );
  });
});
