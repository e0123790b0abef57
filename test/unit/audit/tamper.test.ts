import { beforeAll, describe, expect, it } from 'vitest';
import { trainedChain } from '../../support/exportedChain.js';
import { kinds } from '../../support/tamper/alterations.js';
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
