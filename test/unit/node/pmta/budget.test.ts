import { describe, expect, it } from 'vitest';
import { rhoCap } from '../../../../fl/index.js';
import { charge, epsilonSpent, type PipelineOptions, type Spent } from '../../../../node/pmta/index.js';

const deltaPico = 10_000_000;
const noised = { kind: 'noised', epsilonMicro: 8_000_000, deltaPico, clip: 3 } as const;
const synthetic = {
  kind: 'synthetic',
  epsilonMicro: 6_000_000,
  assignMicro: 2_000_000,
  deltaPico,
  schema: {} as never,
} as const;

function spentOf(earlier: Spent | null, privacy: PipelineOptions['privacy'], budgetMicro: number): Spent {
  const charged = charge(earlier, privacy, budgetMicro);
  if (!charged.ok) throw new Error(charged.reason);
  return charged.spent!;
}

describe('the budget of a data set', () => {
  it('is spent by records and by levels given by lot, whose ε is added', () => {
    const spent = spentOf(null, synthetic, 8_000_000);
    expect(spent).toMatchObject({ releases: 1, assignedMicro: 2_000_000 });
    expect(BigInt(spent.rho)).toBeLessThanOrEqual(rhoCap(6_000_000, deltaPico));
    expect(BigInt(spent.rho)).toBeGreaterThan((rhoCap(6_000_000, deltaPico) * 99n) / 100n);
    expect(epsilonSpent(spent)).toBeGreaterThan(7.9);
    expect(epsilonSpent(spent)).toBeLessThanOrEqual(8);
  });

  it('is one for both kinds, whichever comes first', () => {
    const [first, other] = [spentOf(null, synthetic, 8_000_000), spentOf(null, noised, 8_000_000)];
    expect(charge(first, noised, 8_000_000)).toMatchObject({ ok: false, reason: 'over-budget' });
    expect(charge(other, synthetic, 8_000_000)).toMatchObject({ ok: false, reason: 'over-budget' });
    expect(epsilonSpent(spentOf(first, noised, 64_000_000))).toBe(
      epsilonSpent(spentOf(other, synthetic, 64_000_000)),
    );
  });

  it('does not stretch to a lot that the records leave no room for', () => {
    expect(charge(null, synthetic, 7_900_000)).toMatchObject({ ok: false, reason: 'over-budget' });
    expect(charge(null, synthetic, 2_000_000)).toMatchObject({ ok: false, reason: 'over-budget' });
  });

  it('costs nothing of public attributes, and counts at one δ', () => {
    const spent = spentOf(null, noised, 8_000_000);
    expect(charge(spent, null, 0)).toEqual({ ok: true, spent });
    expect(charge(spent, { ...noised, deltaPico: 1 }, 64_000_000)).toMatchObject({ reason: 'other-delta' });
  });
});
