import { describe, expect, it } from 'vitest';
import { applyChanges, createDraft, emptyTree, readState } from '../../../chain/index.js';
import { canCharge, charge, DATASETS_MAX, declaredCell, ledgerCell } from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { rhoCap } from '../../../fl/index.js';
import { createTestChain, dataset, declareCall } from '../../support/chain.js';

describe('privacy.declare', () => {
  it('opens a ledger with the cap of its ε and δ', () => {
    const test = createTestChain();
    const device = test.devices[0]!;
    expect(test.call(declareCall(device)).events.map(({ kind }) => kind)).toEqual(['declared']);
    expect(ledgerCell.get(test.state, bytesToHex(device.publicKey), bytesToHex(dataset))).toEqual({
      unit: 'record',
      epsilonMicro: 3_000_000,
      deltaPico: 100_000_000,
      order: null,
      rhoCap: rhoCap(3_000_000, 100_000_000),
      rhoSpent: 0n,
      charges: 0,
    });
  });

  it('refuses who is no device, a second budget, and what is out of range', () => {
    const test = createTestChain();
    const device = test.devices[0]!;
    test.call(declareCall(device));
    const fresh = { dataset: new Uint8Array(32).fill(8) };
    const cases = [
      [declareCall(test.publisher), 'not-a-device'],
      [declareCall(test.validators[0]!), 'not-a-device'],
      [declareCall(device), 'already-declared'],
      [declareCall(device, { epsilonMicro: 64_000_000 }), 'already-declared'],
      [declareCall(device, { ...fresh, epsilonMicro: 0 }), 'malformed-args'],
      [declareCall(device, { ...fresh, epsilonMicro: 64_000_001 }), 'malformed-args'],
      [declareCall(device, { ...fresh, deltaPico: 0 }), 'malformed-args'],
      [declareCall(device, { ...fresh, deltaPico: 1e11 + 1 }), 'malformed-args'],
      [declareCall(device, { ...fresh, unit: 'ward' }), 'malformed-args'],
      [declareCall(device, { dataset: new Uint8Array(31) }), 'malformed-args'],
    ] as const;
    for (const [refused, code] of cases) expect(test.refusal(refused), code).toBe(code);
  });

  it('takes the ends of the range', () => {
    const test = createTestChain();
    for (const [i, device] of test.devices.entries()) {
      const [epsilonMicro, deltaPico] = [
        [1, 1],
        [1, 1e11],
        [64_000_000, 1],
        [64_000_000, 1e11],
      ][i]!;
      expect(test.refusal(declareCall(device, { epsilonMicro, deltaPico }))).toBeNull();
    }
  });

  it('keeps the ledgers of two devices apart', () => {
    const test = createTestChain();
    const [a, b] = test.devices as [never, never];
    expect(test.refusal(declareCall(a))).toBeNull();
    expect(test.refusal(declareCall(b))).toBeNull();
  });

  it(`lets a device declare ${DATASETS_MAX} datasets`, () => {
    const test = createTestChain({
      write: (state, { devices }) =>
        declaredCell.set(state, DATASETS_MAX - 1, bytesToHex(devices[0]!.publicKey)),
    });
    const device = test.devices[0]!;
    expect(test.refusal(declareCall(device))).toBeNull();
    expect(test.refusal(declareCall(device, { dataset: new Uint8Array(32) }))).toBe('too-many-datasets');
  });
});

describe('charge', () => {
  const ledger = {
    unit: 'record',
    epsilonMicro: 1,
    deltaPico: 1,
    order: null,
    rhoCap: 10n,
    rhoSpent: 4n,
    charges: 2,
  } as const;

  it.each([
    [0n, null, 4n],
    [6n, null, 10n],
    [7n, 'budget-exhausted', 10n],
    [1n << 80n, 'budget-exhausted', 10n],
  ] as const)('of %s is %s', (rho, code, spent) => {
    const draft = createDraft(readState(emptyTree));
    ledgerCell.set(draft, ledger, 'aa', 'bb');
    expect(charge(draft, 'aa', 'bb', rho)?.code ?? null).toBe(code);
    const after = ledgerCell.get(readState(applyChanges(emptyTree, draft.changes)), 'aa', 'bb');
    expect(after).toEqual({ ...ledger, rhoSpent: spent, charges: 3 });
    expect(charge(draft, 'aa', 'bb', 1n)?.code ?? null).toBe(spent === 10n ? 'budget-exhausted' : null);
  });

  it('is asked for beforehand by the same rule', () => {
    const draft = createDraft(readState(emptyTree));
    ledgerCell.set(draft, ledger, 'aa', 'bb');
    expect(canCharge(draft, 'aa', 'bb', 6n)).toBe(true);
    expect(canCharge(draft, 'aa', 'bb', 7n)).toBe(false);
    expect(canCharge(draft, 'aa', 'cc', 0n)).toBe(false);
  });

  it('is refused where nothing is declared', () => {
    expect(charge(createDraft(readState(emptyTree)), 'aa', 'bb', 0n)?.code).toBe('undeclared-dataset');
  });
});
