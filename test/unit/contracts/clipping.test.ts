import { describe, expect, it } from 'vitest';
import { createReplay, type ReplayEntry } from '../../../audit/index.js';
import { decode, encode } from '../../../chain/index.js';
import {
  checkTask,
  closedEvents,
  closedRoundCell,
  gridAt,
  ledgerCell,
  roundCell,
  type TaskSpec,
  taskCell,
} from '../../../contracts/index.js';
import { clippingCodec } from '../../../contracts/training/clippingState.js';
import { completedBy } from '../../../contracts/training/completion.js';
import { bytesToHex } from '../../../crypto/index.js';
import {
  calibrateCountSigma16,
  calibrateUpdateSigma16,
  countCap,
  countRho,
  encodeUpdate,
  fixedClipping,
  roundRho,
} from '../../../fl/index.js';
import {
  createTestChain,
  dataset,
  playRound,
  publicTask,
  startTask,
  type TestChain,
  taskSpec,
  updateBytes,
  updateCall,
} from '../../support/chain.js';
import { trainedChain } from '../../support/exportedChain.js';
import type { Person } from '../../support/genesis.js';
import { prunedEntries, restsOf } from '../../support/prunedChain.js';

const at16 = (x: number) => Math.round(x * 65_536);
/** The threshold is the length of the newest mean. */
const adaptive = { rule: 'adaptive', clipMin16: 1, rate16: 65_536, aim16: 65_536, countSigma16: 0 } as const;
const quantile = { ...adaptive, rule: 'quantile', rate16: at16(0.5), aim16: at16(0.75) } as const;
/** At most two rounds: from 1 to 1/4 by halves. */
const search = {
  rule: 'search',
  clipMin16: at16(0.25),
  rate16: at16(0.5),
  aim16: at16(0.4),
  countSigma16: 0,
} as const;

function running(spec: TaskSpec): TestChain {
  const test = createTestChain();
  startTask(test, spec);
  return test;
}

const openOf = (test: TestChain) => roundCell.get(test.state, 1)!;
const clipOf = (test: TestChain) => openOf(test).clipping.clip16 / 65_536;

function auditOf(test: TestChain, entries: readonly ReplayEntry[] = test.entries) {
  const replay = createReplay(test.chain);
  for (const entry of entries) if (replay.take(entry) !== null) break;
  return replay.report();
}

describe('a task whose threshold moves', () => {
  it('follows the mean of what qualified, round by round, in the state and on the grid', () => {
    const test = running(publicTask({ clipping: adaptive, rounds: 4 }));
    expect(clipOf(test)).toBe(1);
    playRound(test); // 3 in each of three entries over ten units
    expect(clipOf(test)).toBeCloseTo(0.3 * Math.sqrt(3), 3);
    expect(gridAt(test.state, taskCell.get(test.state, 1)!, 2)!.clip16).toBe(openOf(test).clipping.clip16);
    test.block(test.devices.map((device) => updateCall(test, device, 2, updateBytes(test, device, 2, 1))));
    test.block([]);
    expect(clipOf(test)).toBeCloseTo(0.1 * Math.sqrt(3), 3);
    expect(closedRoundCell.get(test.state, 1, 1)!.clip16).toBe(65_536);
    expect(closedRoundCell.get(test.state, 1, 2)!.clip16 / 65_536).toBeCloseTo(0.3 * Math.sqrt(3), 3);
    const { outcome } = closedEvents(test.blocks.at(-1)!.executed.receipts[0]!)[0]!;
    expect(outcome.clipping).toEqual(openOf(test).clipping);
    expect(auditOf(test)).toMatchObject({ ok: true });
  });

  it('measures an update by the threshold of its own round, also one that comes late', () => {
    const test = running(publicTask({ clipping: adaptive, rounds: 4 }));
    const [slow, ...others] = test.devices as [Person, ...Person[]];
    test.block(others.map((device) => updateCall(test, device, 1)));
    test.block([], openOf(test).openedTime + 500);
    test.block([]);
    expect(openOf(test).round).toBe(2);
    const long = (round: number) => updateBytes(test, slow, round, 4);
    expect(test.refusal(updateCall(test, others[0]!, 2, long(2)))).toBe('over-norm-cap');
    expect(test.call(updateCall(test, slow, 1, long(1))).events.map(({ kind }) => kind)).toEqual(['late']);
  });

  it('stays where it is when a round fails, and when nothing qualifies', () => {
    const test = running(publicTask({ clipping: adaptive, rounds: 4 }));
    playRound(test);
    const { clipping } = openOf(test);
    test.block([], openOf(test).openedTime + 500);
    test.block([]);
    test.block([]);
    expect(openOf(test)).toMatchObject({ round: 3, clipping });
  });

  it.each(['adaptive', 'quantile', 'search'] as const)(
    '%s is replayed by an audit, also from receipts alone',
    async (rule) => {
      const clipping = {
        adaptive: { ...adaptive, rate16: at16(0.2) },
        quantile: { ...quantile, aim16: at16(0.25), rate16: at16(0.2) },
        search: { ...search, clipMin16: at16(1 / 16), aim16: at16(0.25) },
      }[rule];
      const spec = taskSpec({ rounds: 5 });
      const count = rule !== 'adaptive' ? calibrateCountSigma16({ ...spec.privacy, rounds: 5 }) : 0;
      const chosen = { ...clipping, countSigma16: count };
      const sigma16 = calibrateUpdateSigma16({ ...spec.privacy, ...spec, clipping: chosen })!;
      const test = trainedChain(5, { clipping: chosen, privacy: { ...spec.privacy, sigma16 } });
      const closed = [1, 2, 3, 4, 5].map((round) => closedRoundCell.get(test.state, 1, round)!.clip16);
      expect(new Set(closed).size).toBeGreaterThan(rule === 'search' ? 1 : 2);
      expect(closedRoundCell.get(test.state, 1, 1)!.status).toBe(rule === 'search' ? 'searched' : 'closed');
      expect(auditOf(test)).toMatchObject({ ok: true, complete: true });
      const pruned = auditOf(test, await prunedEntries(test, restsOf(test, 3)));
      expect(pruned).toMatchObject({ ok: true, complete: false, head: { hash: bytesToHex(test.tip.hash) } });
    },
  );
});

describe('the quantile rule in a task', () => {
  const spec = taskSpec({ rounds: 3 });
  const countSigma16 = calibrateCountSigma16({ ...spec.privacy, rounds: 3 });
  const clipping = { ...quantile, countSigma16 };
  const sigma16 = calibrateUpdateSigma16({ ...spec.privacy, rounds: 3, local: spec.local, clipping })!;
  const counted = { ...spec, clipping, privacy: { ...spec.privacy, sigma16 } };

  it('charges each update for its count too, which publication reckons with', () => {
    expect(checkTask(counted)).toBeNull();
    expect(checkTask({ ...counted, privacy: { ...counted.privacy, sigma16: sigma16 - 1 } })?.code).toBe(
      'overdraws',
    );
    expect(sigma16).toBeGreaterThan(spec.privacy.sigma16);
    const test = running(counted);
    const [device] = test.devices as [Person];
    test.call(updateCall(test, device, 1));
    const ledger = ledgerCell.get(test.state, bytesToHex(device.publicKey), bytesToHex(dataset))!;
    expect(ledger.rhoSpent).toBe(roundRho(sigma16) + countRho(countSigma16));
  });

  it('moves by the sum of the counts', () => {
    const open = publicTask({ clipping: { ...quantile, countSigma16: 0 }, rounds: 3 });
    const played = (count: number) => {
      const test = running(open);
      test.block(
        test.devices.map((device) => updateCall(test, device, 1, updateBytes(test, device, 1, 3, count))),
      );
      test.block([]);
      return clipOf(test);
    };
    // All ten whole, half of them, none: b is 1, 1/2, 0; C moves by e^(-η(b - γ)), up to where it began.
    expect(played(10)).toBeCloseTo(Math.exp(-0.125), 3);
    expect(played(0)).toBe(1);
    expect(played(-10)).toBe(1);
    const low = running({ ...open, clipping: { ...open.clipping, aim16: at16(0.25) } });
    playRound(low);
    expect(clipOf(low)).toBeCloseTo(Math.exp(-0.125), 3);
  });

  it('refuses a count that no honest device can have, and an update without one', () => {
    const test = running(counted);
    const [device] = test.devices as [Person];
    const grid = gridAt(test.state, taskCell.get(test.state, 1)!, 1)!;
    const wire = Int32Array.of(3, -20, 4);
    const of = (count: number) => updateCall(test, device, 1, encodeUpdate(wire, grid, count));
    const most = countCap(grid, 10);
    expect(most).toBe(10 + Math.ceil((countSigma16 / 65_536) * Math.sqrt(80 * Math.LN2)));
    expect(test.refusal(of(most + 1))).toBe('over-norm-cap');
    expect(test.refusal(of(-most - 1))).toBe('over-norm-cap');
    const bare = encodeUpdate(wire, { ...grid, countSigma16: null });
    expect(test.refusal(updateCall(test, device, 1, bare))).toBe('malformed-update');
    expect(test.refusal(updateCall(test, device, 1, Uint8Array.of(1, 2)))).toBe('malformed-update');
    const fresh = running(counted);
    expect(fresh.refusal({ ...of(-most), from: fresh.devices[0]! })).toBeNull();
  });
});

describe('a task that searches for its threshold', () => {
  const open = publicTask({ clipping: search, rounds: 4 });
  /** A round in which these devices send updates whose counts say that so many of ten units were whole. */
  const play = (test: TestChain, whole: number, devices = test.devices) => {
    const { round, openedTime } = openOf(test);
    const bytes = (device: Person) => updateBytes(test, device, round, 1, 2 * whole - 10);
    test.block(devices.map((device) => updateCall(test, device, round, bytes(device))));
    while (closedRoundCell.get(test.state, 1, round) === null)
      test.block([], Math.max(test.tip.time + 1, openedTime + 500));
    return closedRoundCell.get(test.state, 1, round)!;
  };

  it('says of a round that lowered C that it searched, and trains on from the same model', () => {
    const test = running(open);
    const first = openOf(test).weights;
    const searched = play(test, 10);
    expect(searched).toMatchObject({ status: 'searched', clip16: at16(1), weights: first });
    expect(searched.verdicts.map(({ qualified }) => qualified)).toEqual(test.devices.map(() => true));
    expect(openOf(test)).toMatchObject({ weights: first, optimizer: null, clipping: { clip16: at16(0.5) } });
    const found = play(test, 3);
    expect(found).toMatchObject({ status: 'closed', clip16: at16(0.5) });
    expect(found.weights).not.toEqual(first);
    expect(play(test, 10)).toMatchObject({ status: 'closed', clip16: at16(0.5) });
    expect(auditOf(test)).toMatchObject({ ok: true });
  });

  it('charges the ledger for a round that searched as for any other', () => {
    const spec = taskSpec({ rounds: 3 });
    const countSigma16 = calibrateCountSigma16({ ...spec.privacy, rounds: 3 });
    const clipping = { ...search, aim16: at16(0.1), countSigma16 };
    const sigma16 = calibrateUpdateSigma16({ ...spec.privacy, rounds: 3, local: spec.local, clipping })!;
    const noised = { ...spec, clipping, privacy: { ...spec.privacy, sigma16 } };
    expect(checkTask(noised)).toBeNull();
    const test = running(noised);
    expect(play(test, 10).status).toBe('searched');
    for (const device of test.devices) {
      const ledger = ledgerCell.get(test.state, bytesToHex(device.publicKey), bytesToHex(dataset))!;
      expect(ledger.rhoSpent).toBe(roundRho(sigma16) + countRho(countSigma16));
    }
  });

  it('counts such a round towards completion: there was a verdict', () => {
    const test = running({ ...open, rounds: 3 });
    const [absent, ...others] = test.devices as [Person, ...Person[]];
    expect([play(test, 10), play(test, 10)].map(({ status }) => status)).toEqual(['searched', 'searched']);
    expect(play(test, 10, others).status).toBe('closed');
    const completed = completedBy(test.state, taskCell.get(test.state, 1)!).map(bytesToHex);
    expect(completed).toContain(bytesToHex(absent.publicKey));
  });
});

describe('checkTask', () => {
  const spec = taskSpec();
  const refused: readonly [string, Partial<TaskSpec>, string][] = [
    ['a least threshold above the first', { clipping: { ...adaptive, clipMin16: 65_537 } }, 'clipping-unfit'],
    [
      'a quantile of all',
      { clipping: { ...quantile, aim16: 65_536, countSigma16: 65_536 } },
      'clipping-unfit',
    ],
    ['a search that may take every round', publicTask({ clipping: search, rounds: 2 }), 'clipping-unfit'],
    ['a count without noise', { clipping: quantile }, 'clipping-unfit'],
    [
      'noise for a count that nobody asks for',
      { clipping: { ...fixedClipping, countSigma16: 1 } },
      'clipping-unfit',
    ],
    [
      'a noised count on public data',
      { ...publicTask(), clipping: { ...quantile, countSigma16: 1 } },
      'clipping-unfit',
    ],
    [
      'a count whose noise spends more than ε',
      { clipping: { ...quantile, countSigma16: 65_536 }, privacy: { ...spec.privacy, sigma16: 2 ** 31 - 1 } },
      'overdraws',
    ],
    [
      'an accumulator that may not fit a payload at another threshold',
      {
        model: {
          inputs: 2,
          layers: [{ kind: 'dense', units: 400, activation: 'relu' }, spec.model.layers[0]!],
        },
        clipping: adaptive,
        devicesMax: 1_000,
      },
      'too-large-for-rule',
    ],
  ];
  it.each(refused)('refuses %s', (_, change, code) => {
    expect(checkTask({ ...spec, ...change })?.code).toBe(code);
  });

  it('takes each rule', () => {
    const wide = { ...spec, ...publicTask() };
    for (const clipping of [adaptive, quantile, search, fixedClipping])
      expect(checkTask({ ...wide, clipping })).toBeNull();
  });
});

describe('what the state keeps of a rule', () => {
  it.each([0n, 1n, -1n, 2n ** 200n, -(2n ** 255n), 2n ** 255n - 1n])('reads %s back', (memory) => {
    const bytes = encode(clippingCodec, { clip16: 7, memory });
    expect(decode(clippingCodec, bytes, 100)).toEqual({ clip16: 7, memory });
  });

  it('takes no more than 32 bytes', () => {
    expect(() => encode(clippingCodec, { clip16: 7, memory: 2n ** 255n })).toThrow(/32 bytes/);
  });
});
