import type { RandomBytes } from '../../crypto/index.js';
import { type ModelSpec, parameterCount } from '../index.js';
import { backpropagate, floatsPerRecord } from './backpropagate.js';
import { addWeighted, clipFactors, sumUnit } from './clip.js';
import { type Batch, checkBatch, RECORDS_MAX } from './job.js';
import { personSum } from './personSum.js';

/** Records in one pass through the tensor library, and floats that it holds for them (64 MiB): bounds its memory. */
const PASS_ROWS = 512;
const PASS_FLOATS = 2 ** 24;

export interface GradientSum {
  /** [parameters], flat order, float64, each a multiple of sumUnit(clip16) and exact. */
  readonly sum: Float64Array;
  /** Mean cross-entropy in nats, over the records whose loss is finite; 0 if there is none. */
  readonly loss: number;
  readonly clippedShare: number;
  /** Units that were not clipped, less those that were: one unit moves it by 1. */
  readonly signedCount: number;
}

/**
 * Sum over records of the per-record gradient, each scaled down to length C = clip16 / 2^16 at most.
 *
 * Sensitivity: adding or removing one record moves the sum by a vector of length at most C, exactly and not
 * only up to float rounding. The tensor library computes each record's factors a and d in float32; whatever
 * they are, their outer product is what counts as "the gradient" here (of a convolution or a norm, what is computed). From there on float64: the norm with a
 * safety margin (clipFactors), each contribution cut toward zero to whole units of a power of two, and the
 * sum of whole numbers below 2^53, which is exact in any order (sumUnit).
 * What this rests on: a record's a and d do not depend on the *values* of the records beside it. Each row of
 * a product is its own dot products, so this holds whatever the library's tiles are, as long as the number of
 * rows stays the same; it does, since N_k is public and fixed and adjacency is zero-out (a record against an
 * empty place). A test replaces a record and compares the others to the bit.
 * With `persons` the unit is a person, see `personSum`.
 * random: what dropout draws from; null: nothing is dropped.
 * sample: [units], which units count (`drawSample`); null: all. The others are computed too and come to nothing, so that
 *   neither a record's numbers nor the time depend on who was drawn.
 * Fails: TrainerError "bad-job", "not-finite", "not-ready". Limit: RECORDS_MAX records.
 */
export function gradientSum(
  batch: Batch,
  clip16: number,
  random: RandomBytes | null = null,
  sample: Uint8Array | null = null,
): GradientSum {
  checkBatch(batch, RECORDS_MAX);
  if (batch.persons !== undefined)
    return personSum(
      passes({ ...batch, persons: batch.persons }),
      parameterCount(batch.model),
      clip16,
      random,
      sample,
    );
  const unit = sumUnit(clip16);
  const sum = new Float64Array(parameterCount(batch.model));
  let [loss, finite, clipped, units, row] = [0, 0, 0, 0, 0];
  for (const part of passes(batch)) {
    const pass = backpropagate(part, random);
    const { factors } = clipFactors(pass, clip16 / 65_536);
    for (let at = 0; at < pass.rows; at++, row++) {
      if (sample !== null && sample[row] !== 1) factors[at] = 0;
      else {
        units++;
        if (factors[at] !== 1) clipped++;
      }
    }
    addWeighted(pass, factors, unit, sum);
    for (const value of pass.losses) {
      if (!Number.isFinite(value)) continue;
      loss += value;
      finite++;
    }
  }
  return {
    sum,
    loss: finite === 0 ? 0 : loss / finite,
    clippedShare: units === 0 ? 0 : clipped / units,
    signedCount: units - 2 * clipped,
  };
}

/** Records that go through at once. The same for all passes but the last, whatever the data. */
export function passRows(model: ModelSpec): number {
  return Math.max(1, Math.min(PASS_ROWS, Math.floor(PASS_FLOATS / floatsPerRecord(model))));
}

/** The batch in pieces of so many records. */
export function* passes<B extends Batch>(batch: B): Generator<B> {
  const { model, x, y, persons } = batch;
  const rows = passRows(model);
  for (let start = 0; start < y.length; start += rows) {
    const end = Math.min(start + rows, y.length);
    const part = x.subarray(start * model.inputs, end * model.inputs);
    const whose = persons === undefined ? {} : { persons: persons.subarray(start, end) };
    yield { ...batch, x: part, y: y.subarray(start, end), ...whose };
  }
}
