import { describe, expect, it } from 'vitest';
import {
  CAPTURE_PROBABILITY_MAX,
  captureProbability,
  captureRisk,
  exceeds,
  isCaptureBounded,
  overHeights,
  probabilityToNumber,
  weighedCaptureProbability,
} from '../../../consensus/index.js';

describe('probability of capture', () => {
  it('counts all committees of a small network', () => {
    // 7 validators, 3 marked, 4 members (f = 1): of 35 committees those with two or three marked: 18 + 4.
    const p = captureProbability({ validators: 7, marked: 3, members: 4 });
    expect(p.numerator * 35n).toBe(22n * p.denominator);
  });

  it('agrees with enumeration over every network of up to 9', () => {
    for (let validators = 1; validators <= 9; validators++) {
      for (let members = 1; members <= validators; members++) {
        for (let marked = 0; marked <= validators; marked++) {
          let all = 0n;
          let bad = 0n;
          for (let set = 0; set < 1 << validators; set++) {
            const bits = (value: number) => value.toString(2).replaceAll('0', '').length;
            if (bits(set) !== members) continue;
            all++;
            if (3 * bits(set & ((1 << marked) - 1)) >= members) bad++;
          }
          const { numerator, denominator } = captureProbability({ validators, marked, members });
          expect(numerator * all, `${validators} ${members} ${marked}`).toBe(bad * denominator);
        }
      }
    }
  });

  it('is 0 or 1 when all validators are members', () => {
    expect(probabilityToNumber(captureProbability({ validators: 100, marked: 33, members: 100 }))).toBe(0);
    expect(probabilityToNumber(captureProbability({ validators: 100, marked: 34, members: 100 }))).toBe(1);
  });

  it('matches a tail computed in logarithms to nine digits', () => {
    const [validators, marked, members] = [1000, 150, 100];
    const logFactorial = (n: number) => {
      let sum = 0;
      for (let i = 2; i <= n; i++) sum += Math.log(i);
      return sum;
    };
    const logChoose = (n: number, k: number) => logFactorial(n) - logFactorial(k) - logFactorial(n - k);
    let tail = 0;
    for (let seats = 34; seats <= 100; seats++) {
      tail += Math.exp(
        logChoose(marked, seats) +
          logChoose(validators - marked, members - seats) -
          logChoose(validators, members),
      );
    }
    const exact = probabilityToNumber(captureProbability({ validators, marked, members }));
    expect(Math.abs(exact / tail - 1)).toBeLessThan(1e-9);
  });

  it('sums over the planned heights, at most 1, and is compared exactly', () => {
    const p = { numerator: 1n, denominator: 10n ** 12n };
    expect(exceeds(overHeights(p, 1_000), CAPTURE_PROBABILITY_MAX)).toBe(false);
    expect(exceeds(overHeights(p, 1_001), CAPTURE_PROBABILITY_MAX)).toBe(true);
    expect(probabilityToNumber(overHeights({ numerator: 1n, denominator: 2n }, 5))).toBe(1);
  });

  it('prints very small probabilities', () => {
    expect(probabilityToNumber({ numerator: 3n, denominator: 2n * 10n ** 200n })).toBeCloseTo(1.5e-200, 210);
    expect(probabilityToNumber({ numerator: 1n, denominator: 10n ** 400n })).toBe(0);
    expect(probabilityToNumber({ numerator: 0n, denominator: 5n })).toBe(0);
  });
});

describe('probability of capture by weight', () => {
  it('is that by count when all weigh alike', () => {
    for (const [validators, marked, members] of [
      [7, 3, 4],
      [10, 3, 7],
      [40, 9, 31],
    ] as const) {
      const byCount = captureProbability({ validators, marked, members });
      const byWeight = weighedCaptureProbability({
        marked: { validators: marked, weight: 100 },
        others: { validators: validators - marked, weight: 100 },
        members,
      });
      const above = byWeight.numerator * byCount.denominator - byCount.numerator * byWeight.denominator;
      expect(above >= 0n).toBe(true);
      expect(above * 2n ** 490n < byCount.denominator * byWeight.denominator).toBe(true);
    }
  });

  it('agrees with the sum over all orders of a small network', () => {
    const weights = [3, 3, 1, 1, 1, 1];
    const members = 4; // f = 1: captured by the two that weigh 3
    let captured = 0;
    const draw = (chosen: readonly number[], probability: number) => {
      if (chosen.length === members) {
        if (chosen.filter((index) => index < 2).length >= 2) captured += probability;
        return;
      }
      const left = weights.map((weight, index) => (chosen.includes(index) ? 0 : weight));
      const all = left.reduce((a, b) => a + b, 0);
      for (const [index, weight] of left.entries()) {
        if (weight > 0) draw([...chosen, index], (probability * weight) / all);
      }
    };
    draw([], 1);
    const marked = { validators: 2, weight: 3 };
    const exact = weighedCaptureProbability({ marked, others: { validators: 4, weight: 1 }, members });
    expect(probabilityToNumber(exact)).toBeCloseTo(captured, 12);
  });

  it('is 0 or 1 when all validators are members, however they weigh', () => {
    const of = (validators: number) =>
      probabilityToNumber(
        weighedCaptureProbability({
          marked: { validators, weight: 200 },
          others: { validators: 100 - validators, weight: 1 },
          members: 100,
        }),
      );
    expect(of(33)).toBe(0);
    expect(of(34)).toBe(1);
  });
});

describe('the risk of a draw', () => {
  const draw = { validators: 200, members: 60, dishonest: 20, start: 100, cap: 100 };

  it('is bounded or not by the heights that are planned', () => {
    const risk = captureRisk(draw);
    const perHeight = probabilityToNumber(risk.byCount);
    expect(perHeight).toBeGreaterThan(0);
    const most = Math.floor(1e-9 / perHeight);
    expect(isCaptureBounded(risk, most)).toBe(true);
    expect(isCaptureBounded(risk, Math.ceil(most * 1.01) + 1)).toBe(false);
  });

  it('counts by weight when the dishonest may weigh more', () => {
    const heavy = captureRisk({ ...draw, cap: 400 });
    expect(exceeds(heavy.byWeight, captureRisk(draw).byWeight)).toBe(true);
    const most = Math.floor(1e-9 / probabilityToNumber(heavy.byCount));
    expect(isCaptureBounded({ ...heavy, byWeight: heavy.byCount }, most)).toBe(true);
    expect(isCaptureBounded(heavy, most)).toBe(false);
  });

  it('takes all validators as members where there are fewer, and all as dishonest where there are no more', () => {
    const all = { validators: 5, members: 100, dishonest: 1_000, start: 1, cap: 1 };
    expect(probabilityToNumber(captureRisk(all).byCount)).toBe(1);
    expect(probabilityToNumber(captureRisk({ ...all, dishonest: 1 }).byCount)).toBe(0);
  });
});
