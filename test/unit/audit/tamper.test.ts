import { beforeAll, describe, expect, it } from 'vitest';
import { trainedChain } from '../../support/exportedChain.js';
import { prunedEntries, restsOf } from '../../support/prunedChain.js';
import { kinds } from '../../support/tamper/alterations.js';
import { markKinds } from '../../support/tamper/markAlterations.js';
import { createTamperBench, type TamperBench, tamper } from '../../support/tamper/run.js';

/** `TAMPER_SEED=... TAMPER_COUNT=...` repeat or widen a run; test/unit/audit/tamperAll.test.ts has five hundred. */
const seed = process.env.TAMPER_SEED ?? 'alterations of a chain, 1';
const count = Number(process.env.TAMPER_COUNT ?? 60);

let bench: TamperBench;
beforeAll(async () => {
  bench = await createTamperBench(trainedChain(5));
}, 60_000);

describe('an altered chain', () => {
  it(`is found out, at the right height, transaction and key: ${count} times (seed: ${seed})`, async () => {
    const missed = [];
    const found = new Set<string>();
    for await (const outcome of tamper(bench, seed, count)) {
      if (outcome.missed === null) found.add(outcome.kind);
      else
        missed.push({ ...outcome, report: outcome.report.divergence, alteration: outcome.alteration.height });
    }
    expect(missed).toEqual([]);
    expect(found.size).toBe(Math.min(count, Object.keys(kinds).length));
  }, 60_000);

  it('is found as well without a snapshot to go on from', async () => {
    const outcomes = [];
    for await (const outcome of tamper(bench, seed, 8)) outcomes.push(outcome);
    for (const { alteration, report } of outcomes.filter((_, i) => i % 4 === 1)) {
      const whole = await bench.auditWhole(alteration);
      expect(whole.divergence).toEqual(report.divergence);
    }
  });
});

describe('an altered chain of which payloads are pruned', () => {
  it(`is found out as well, its marked inputs among what is altered: ${count} times (seed: ${seed})`, async () => {
    const test = trainedChain(5);
    const entries = await prunedEntries(test, restsOf(test, 3));
    const pruned = await createTamperBench({ ...test, entries: [...entries] });
    const { bitOfAnyHeight, truncated, droppedHeight, swappedHeights, swappedTransactions } = kinds;
    const file = { bitOfAnyHeight, truncated, droppedHeight, swappedHeights, swappedTransactions };
    const missed = [];
    for await (const outcome of tamper(pruned, seed, count, { ...markKinds, ...file } as typeof kinds))
      if (outcome.missed !== null) missed.push({ ...outcome, report: outcome.report.divergence });
    expect(missed).toEqual([]);
  }, 60_000);
});
