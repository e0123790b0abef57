import { expect, it } from 'vitest';
import { trainedChain } from '../../support/exportedChain.js';
import { kinds } from '../../support/tamper/alterations.js';
import { createTamperBench, tamper } from '../../support/tamper/run.js';

const seed = process.env.TAMPER_SEED ?? 'five hundred alterations';
const COUNT = 500;

it(`finds every one of ${COUNT} alterations of a chain where it is (seed: ${seed})`, async () => {
  const test = trainedChain();
  expect(test.tip.height).toBeGreaterThanOrEqual(50);
  const bench = await createTamperBench(test);
  const missed = [];
  const found = new Map<string, number>();
  for await (const outcome of tamper(bench, seed, COUNT)) {
    if (outcome.missed === null) found.set(outcome.kind, (found.get(outcome.kind) ?? 0) + 1);
    else
      missed.push({ ...outcome, report: outcome.report.divergence, alteration: outcome.alteration.height });
  }
  expect(missed).toEqual([]);
  expect([...found.keys()].sort()).toEqual(Object.keys(kinds).sort());
  expect([...found.values()].reduce((sum, times) => sum + times, 0)).toBe(COUNT);
}, 600_000);
