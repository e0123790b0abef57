import { describe, expect, it } from 'vitest';
import { checkTask, ledgerCell, roundCell, type TaskSpec } from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { roundRho, type Unit } from '../../../fl/index.js';
import {
  applyCall,
  createTestChain,
  dataset,
  declareCall,
  publicTask,
  publishCall,
  type TestChain,
  taskSpec,
  updateCall,
} from '../../support/chain.js';
import type { Person } from '../../support/genesis.js';

const base = taskSpec({ quorum: 1, rounds: 3 });
const schema = { ...base.schema, subject: 'patient' };
const of = (unit: Unit, change: Partial<TaskSpec> = {}): TaskSpec => ({
  ...base,
  ...(unit === 'patient' && { schema }),
  ...change,
  privacy: { ...base.privacy, unit, ...change.privacy },
});

/** A chain with this task, and a device that has declared its dataset for this unit. */
function published(task: TaskSpec, ledger: Unit): { test: TestChain; device: Person } {
  const test = createTestChain();
  test.block([publishCall(test, { ...task, enrolMs: 100_000 })]);
  const device = test.devices[0]!;
  test.block([declareCall(device, { unit: ledger, epsilonMicro: 9_000_000 })]);
  return { test, device };
}

const unitsOf = (unit: Unit) => ({ units: unit === 'device' ? 1 : 10 });

describe('a dataset with one budget, and tasks with other units', () => {
  // ledger, task, what an update costs in roundRho(σ).
  it.each([
    ['record', 'record', 1n],
    ['record', 'patient', 4n],
    ['record', 'device', 4n],
    ['patient', 'patient', 1n],
    ['patient', 'device', 4n],
    ['device', 'device', 1n],
  ] as const)('declared for each %s, in a task of unit %s: costs %i times ρ', (ledger, unit, factor) => {
    const { test, device } = published(of(unit), ledger);
    expect(test.refusal(applyCall(test, device, unitsOf(unit)))).toBeNull();
    test.block([], test.tip.time + 100_000);
    while (roundCell.get(test.state, 1) === null) test.block([]);
    expect(test.refusal(updateCall(test, device, 1))).toBeNull();
    const { rhoSpent } = ledgerCell.get(test.state, bytesToHex(device.publicKey), bytesToHex(dataset))!;
    expect(rhoSpent).toBe(factor * roundRho(base.privacy.sigma16));
  });

  it.each([
    ['patient', 'record'],
    ['device', 'record'],
    ['device', 'patient'],
  ] as const)(
    'declared for each %s, is refused by a task of unit %s: nothing bounds its cost',
    (ledger, unit) => {
      const { test, device } = published(of(unit), ledger);
      expect(test.refusal(applyCall(test, device, unitsOf(unit)))).toBe('unit-unfit');
    },
  );

  it('runs out across tasks and units: what a finer one had left, a coarser one takes', () => {
    const test = createTestChain();
    const long = { enrolMs: 1_000, quorum: 1, devicesMax: 1 };
    test.block([publishCall(test, of('record', long)), publishCall(test, of('device', long))]);
    const device = test.devices[0]!;
    test.block([declareCall(device)]);
    test.block([applyCall(test, device), applyCall(test, device, { task: 2, units: 1 })]);
    test.block([]);
    test.block([]);
    expect(test.refusal(updateCall(test, device, 1))).toBeNull();
    // One of three rounds is spent; a whole update costs this ledger four.
    const call = updateCall(test, device, 1, Uint8Array.of(1));
    expect(test.refusal({ ...call, args: { task: 2, round: 1 } })).toBe('malformed-update');
    const ledger = ledgerCell.get(test.state, bytesToHex(device.publicKey), bytesToHex(dataset))!;
    expect(ledger.rhoSpent).toBe(ledger.rhoCap);
    test.block([]);
    expect(test.refusal(updateCall(test, device, 2))).toBe('budget-exhausted');
  });
});

describe('enrolment', () => {
  it('takes a device for one unit where it is the unit', () => {
    const { test, device } = published(of('device'), 'device');
    expect(test.refusal(applyCall(test, device, { units: 2 }))).toBe('unit-unfit');
    expect(test.refusal(applyCall(test, device, { units: 1 }))).toBeNull();
    const open = published(
      { ...publicTask(), privacy: { ...publicTask().privacy, unit: 'device' } },
      'device',
    );
    expect(open.test.refusal(applyCall(open.test, open.device, { units: 2 }))).toBe('unit-unfit');
  });

  it('refuses a δ that one in N_k units could be published under, of the task or of the ledger', () => {
    const { test, device } = published(of('record'), 'record');
    expect(test.refusal(applyCall(test, device, { units: 10_000 }))).toBe('delta-unfit');
    expect(test.refusal(applyCall(test, device, { units: 9_999 }))).toBeNull();
    const loose = createTestChain();
    loose.block([publishCall(loose, of('record'))]);
    loose.block([declareCall(loose.devices[0]!, { deltaPico: 1e11 })]);
    expect(loose.refusal(applyCall(loose, loose.devices[0]!, { units: 10 }))).toBe('delta-unfit');
    expect(loose.refusal(applyCall(loose, loose.devices[0]!, { units: 9 }))).toBeNull();
  });
});

describe('checkTask', () => {
  it.each<[string, TaskSpec, string]>([
    ['patients in a schema that names no subject', { ...of('patient'), schema: base.schema }, 'unit-unfit'],
    [
      'a δ that one device in all could be published under',
      of('device', { devicesMax: 10, privacy: { ...base.privacy, unit: 'device', deltaPico: 1e11 } }),
      'delta-unfit',
    ],
    [
      'a whole update that is noised in each step',
      of('device', { local: { ...base.local, step: 'fedavg', steps: 2 } }),
      'local-work-unfit',
    ],
    [
      'persons clipped in inner steps without noise',
      of('patient', { local: { ...base.local, step: 'fedavg', steps: 2, noise: 'once' } }),
      'local-work-unfit',
    ],
  ])('refuses %s', (_, task, code) => {
    expect(checkTask(task)?.code).toBe(code);
  });

  it('takes inner steps without noise where the whole update is noised: they cost one release', () => {
    const local = { ...base.local, step: 'fedavg', steps: 20, noise: 'once' } as const;
    expect(checkTask(of('device', { local }))).toBeNull();
    expect(checkTask(of('patient'))).toBeNull();
  });
});
