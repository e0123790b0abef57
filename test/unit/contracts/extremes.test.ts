import { describe, expect, it } from 'vitest';
import { encode, payloadRefCodec } from '../../../chain/index.js';
import { checkTask, UNITS_MAX } from '../../../contracts/index.js';
import {
  type AggregationName,
  closeRound,
  createGrid,
  decodeWeights,
  encodeUpdate,
  encodeWeights,
  initialWeights,
  normCapSquared,
  parameterCount,
  type VerificationName,
} from '../../../fl/index.js';
import { taskSpec } from '../../support/chain.js';
import { plainRound, plainServer } from '../../support/fl.js';

const rules = ['alignment', 'multi-krum', 'none'] as const satisfies readonly VerificationName[];
const aggregations = ['mean', 'median', 'trimmed-mean'] as const satisfies readonly AggregationName[];
const grids = [
  [1, 0],
  [1, 2 ** 31 - 1],
  [65_536, 0],
  [2 ** 31 - 1, 0],
  [2 ** 31 - 1, 2 ** 31 - 1],
] as const;
const DEVICES = 6;
const ROUNDS = 12;

/** The longest update along one axis that is still within the norm cap, and within the wire's 32 bits. */
function longest(clip16: number, sigma16: number, units: number): number {
  const cap = normCapSquared(createGrid({ dimension: 3, clip16, sigma16 }), units);
  const root = Math.floor(Math.sqrt(Number(cap)) * (1 - 2 ** -40));
  return Math.min(2 ** 31 - 1, root);
}

describe('a task at the ends of its ranges', () => {
  const table = grids.flatMap(([clip16, sigma16]) =>
    rules.flatMap((rule) => aggregations.map((aggregation) => [clip16, sigma16, rule, aggregation] as const)),
  );
  it.each(table)('clip %i, σ %i, %s, %s: closes round after round with the longest updates', (...of) => {
    const [clip16, sigma16, rule, aggregation] = of;
    const base = taskSpec();
    const publicData = sigma16 === 0;
    const budget = publicData
      ? { epsilonMicro: 0, deltaPico: 0 }
      : { epsilonMicro: 64_000_000, deltaPico: 1e11 };
    const privacy = { unit: 'record', ...budget, clip16, sigma16 } as const;
    const learningRate16 = 2 ** 32;
    const verification = { rule, front: 'none', faulty: 2, reputation: 'absolute' } as const;
    const spec = { ...base, publicData, privacy, learningRate16, verification, aggregation };
    expect(checkTask(spec)).toBeNull();

    const { model } = spec;
    const grid = createGrid({ dimension: parameterCount(model), clip16, sigma16 });
    let weights = encodeWeights(initialWeights(model, spec.weightsSeed));
    let accumulator: Uint8Array | null = null;
    for (let round = 1; round <= ROUNDS; round += 1) {
      const updates = Array.from({ length: DEVICES }, (_, i) => {
        const units = i % 2 === 0 ? 1 : UNITS_MAX;
        // Turning from side to side by device and round, on one axis: as far from one another as can be.
        const value =
          (i + round) % 3 === 0 ? -longest(clip16, sigma16, units) : longest(clip16, sigma16, units);
        const payload = encodeUpdate(Int32Array.of(value, 0, 0), grid);
        return { device: `${i}`.padStart(64, '0'), units, hash: `${i}`.padStart(64, '0'), payload };
      });
      const outcome = closeRound({
        round,
        model,
        grid,
        weights,
        updates,
        accumulator,
        verification: rule,
        aggregation,
        faulty: 2,
        blacklisted: 0,
        ...plainRound,
        server: plainServer(learningRate16),
      });
      expect(outcome.verdicts.length).toBe(DEVICES);
      expect(outcome.verdicts.every(({ reason }) => reason !== 'norm')).toBe(true);
      for (const { score16 } of outcome.verdicts) expect(Number.isSafeInteger(score16)).toBe(true);
      ({ weights, accumulator } = outcome);
      expect(decodeWeights(weights, 3)).not.toBeNull();
      for (const made of [weights, ...(accumulator === null ? [] : [accumulator])]) {
        encode(payloadRefCodec, { id: new Uint8Array(32), size: made.length });
      }
    }
  });
});
