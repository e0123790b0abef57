import { describe, expect, it } from 'vitest';
import { checkTask, ledgerCell, type TaskSpec } from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import {
  calibrateCountSigma16,
  calibrateUpdateSigma16,
  fitsBudget,
  LEDGER_ORDERS,
  ledgerCap,
  ledgerCost,
  ledgerOrderFor,
  RATE_ALL,
  renyiCost,
  roundRho,
  tightestEpsilon,
  withCount,
} from '../../../fl/index.js';
import {
  applyCall,
  createTestChain,
  dataset,
  declareCall,
  publishCall,
  type TestChain,
  taskSpec,
  updateBytes,
  updateCall,
} from '../../support/chain.js';
import type { Person } from '../../support/genesis.js';

const base = taskSpec();
const budget = { epsilonMicro: 3_000_000, deltaPico: 100_000_000 };
const rate32 = Math.round(RATE_ALL / 10);
const local = { ...base.local, rate32 };
const rounds = 100;
const sigma16 = calibrateUpdateSigma16({
  ...budget,
  rounds,
  unit: 'record',
  local,
  clipping: base.clipping,
})!;
const privacy = { ...base.privacy, sigma16 };
const drawn: TaskSpec = { ...base, local, rounds, privacy };
const order = ledgerOrderFor(budget, drawn)!;
const each = (at: number) => (renyiCost(at, sigma16, rate32) + BigInt(at) - 1n) / BigInt(at);

const ledgerOf = (test: TestChain, { publicKey }: Person) =>
  ledgerCell.get(test.state, bytesToHex(publicKey), bytesToHex(dataset))!;

/** The task with one device whose ledger names this order. */
function running(spec: TaskSpec, named: number | null): { test: TestChain; device: Person } {
  const test = createTestChain();
  const [device] = test.devices as [Person];
  const alone = { ...spec, devicesMax: 1, quorum: 1 };
  test.block([publishCall(test, alone)]);
  test.block([declareCall(device, { order: named }), applyCall(test, device)]);
  test.block([]);
  test.block([]);
  return { test, device };
}

describe('a task whose devices draw records in secret', () => {
  it('takes the least noise that a ledger counts into its ε, and is refused with less', () => {
    expect(checkTask(drawn)).toBeNull();
    const less = { ...drawn, privacy: { ...privacy, sigma16: Math.floor(sigma16 * (1 - 1 / 2_048)) } };
    expect(checkTask(less)?.code).toBe('overdraws');
    expect(checkTask({ ...drawn, rounds: rounds + 1 })?.code).toBe('overdraws');
    // Without drawing the same noise would keep a handful of rounds.
    expect(checkTask({ ...drawn, local: base.local })?.code).toBe('overdraws');
    expect(sigma16 / 65_536).toBeLessThan(2);
  });

  it('keeps its ε by the tightest accountant too, with something to spare', () => {
    const mechanism = { sigma: sigma16 / 65_536, rate: 0.1, rounds };
    const { epsilon } = tightestEpsilon(mechanism, 1e-4);
    expect(epsilon).toBeLessThan(3);
    expect(epsilon).toBeGreaterThan(2.4);
  });

  it('needs no more noise than one that draws none', () => {
    const always = { ...budget, rounds: 3, unit: 'record', clipping: base.clipping } as const;
    const nearly = calibrateUpdateSigma16({ ...always, local: { ...local, rate32: RATE_ALL - 1 } })!;
    const all = calibrateUpdateSigma16({ ...always, local: base.local })!;
    expect(nearly).toBeLessThanOrEqual(Math.ceil(all * (1 + 1 / 4_096)));
  });

  it('costs a ledger that named an order the divergence of that order', () => {
    expect(LEDGER_ORDERS).toContain(order);
    const { test, device } = running(drawn, order);
    expect(ledgerOf(test, device)).toMatchObject({ order, rhoCap: ledgerCap(order, 3_000_000, 100_000_000) });
    expect(test.refusal(updateCall(test, device, 1))).toBeNull();
    expect(ledgerOf(test, device).rhoSpent).toBe(each(order));
    expect(BigInt(rounds) * each(order) <= ledgerOf(test, device).rhoCap).toBe(true);
    // Another order counts another sum; the best is the one that was named.
    expect(fitsBudget({ ...budget, rounds }, drawn)).toBe(true);
    expect(each(order) < roundRho(sigma16)).toBe(true);
  });

  it('costs a ledger that named none as much as if all records were used', () => {
    const { test, device } = running(drawn, null);
    test.call(updateCall(test, device, 1));
    expect(ledgerOf(test, device).rhoSpent).toBe(roundRho(sigma16));
  });

  it('costs a ledger for another unit as much as if all were used, fourfold', () => {
    const schema = { ...base.schema, subject: 'patient' };
    const { test, device } = running({ ...drawn, schema, privacy: { ...privacy, unit: 'patient' } }, order);
    test.call(updateCall(test, device, 1));
    const { rhoSpent, rhoCap } = ledgerOf(test, device);
    const all = 4n * roundRho(sigma16);
    expect(rhoSpent).toBe(all < rhoCap ? all : rhoCap);
  });

  it('costs once for each step that is noised, and as if all were drawn where drawing tells this ledger nothing', () => {
    const ledger = { unit: 'record', order } as const;
    const step = renyiCost(order, sigma16, rate32);
    const often = { ...drawn, local: { ...local, step: 'fedavg', steps: 3, noise: 'every-step' } } as const;
    expect(ledgerCost(ledger, often)).toBe((3n * step + BigInt(order) - 1n) / BigInt(order));
    const patients = { ...drawn, privacy: { ...privacy, unit: 'patient' } } as const;
    expect(ledgerCost(ledger, patients)).toBe(4n * roundRho(sigma16));
    expect(ledgerCost(ledger, { ...drawn, local: base.local })).toBe(roundRho(sigma16));
    expect(ledgerCost(ledger, { ...drawn, privacy: { ...privacy, sigma16: 0 } })).toBe(0n);
  });

  it('is charged until nothing is left, also by a device whose node counts nothing', () => {
    const { test, device } = running(drawn, order);
    const { rhoCap } = ledgerOf(test, device);
    const { rhoSpent, ...ledger } = ledgerOf(test, device);
    const near = createTestChain({
      write: (state) =>
        ledgerCell.set(
          state,
          { ...ledger, rhoSpent: rhoSpent + rhoCap - 2n * each(order) },
          bytesToHex(device.publicKey),
          bytesToHex(dataset),
        ),
    });
    const [same] = near.devices as [Person];
    near.block([publishCall(near, { ...drawn, devicesMax: 1, quorum: 1 })]);
    near.block([applyCall(near, same)]);
    near.block([]);
    near.block([]);
    const codes = [1, 2, 3, 4].map((i) =>
      near.refusal(updateCall(near, same, 1, updateBytes(near, same, 90 + i))),
    );
    expect(codes).toEqual([null, 'already-submitted', 'already-submitted', 'already-submitted']);
    expect(ledgerOf(near, same).rhoSpent).toBe(rhoCap);
  });

  it('counts the sum and the count of one sample as one release', () => {
    const clipping = {
      rule: 'quantile',
      clipMin16: 1,
      rate16: 13_107,
      aim16: 32_768,
      countSigma16: calibrateCountSigma16({ ...budget, rounds }),
    } as const;
    const counted = { ...drawn, clipping };
    const sigma = calibrateUpdateSigma16({ ...budget, rounds, unit: 'record', local, clipping })!;
    expect(sigma).toBeGreaterThan(sigma16);
    const joint = withCount(sigma, clipping.countSigma16);
    expect(joint).toBeLessThan(sigma);
    expect(Math.abs(1 / joint ** 2 / (1 / sigma ** 2 + 1 / clipping.countSigma16 ** 2) - 1)).toBeLessThan(
      1e-4,
    );
    const best = ledgerOrderFor(budget, { ...counted, privacy: { ...privacy, sigma16: sigma } })!;
    const { test, device } = running({ ...counted, privacy: { ...privacy, sigma16: sigma } }, best);
    test.call(updateCall(test, device, 1));
    const expected = (renyiCost(best, joint, rate32) + BigInt(best) - 1n) / BigInt(best);
    expect(ledgerOf(test, device).rhoSpent).toBe(expected);
  });

  it('shares a ledger with tasks that draw none, which cost it the same ρ as any', () => {
    const { test, device } = running(
      { ...drawn, local: base.local, rounds: 1, privacy: base.privacy },
      order,
    );
    test.call(updateCall(test, device, 1));
    expect(ledgerOf(test, device).rhoSpent).toBe(roundRho(base.privacy.sigma16));
  });
});

describe('what does not fit', () => {
  it('is a unit device that is drawn: the chain names who took part', () => {
    const whole = { ...drawn, privacy: { ...privacy, unit: 'device' } } as const;
    expect(checkTask(whole)?.code).toBe('local-work-unfit');
  });

  it.each([
    [3, 1_000, 'order-unfit'],
    [65, 3_000_000, 'order-unfit'],
    [1, 3_000_000, 'malformed-args'],
    [257, 3_000_000, 'malformed-args'],
    [256, 3_000_000, null],
  ])('an order %i at ε %i: %s', (named, epsilonMicro, code) => {
    const test = createTestChain();
    expect(test.refusal(declareCall(test.devices[0]!, { order: named, epsilonMicro }))).toBe(code);
  });

  it('is a rate of nothing', () => {
    const test = createTestChain();
    const none = { ...drawn, local: { ...local, rate32: 0 } };
    expect(test.refusal({ ...publishCall(test, drawn), args: { spec: none } })).toBe('malformed-args');
  });
});
