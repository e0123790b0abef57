import { z } from 'zod';
import { claimCell, planOf } from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { count, height, hex32, ordinal, u64 } from '../schemas.js';
import { stateOf, taskOf } from './find.js';
import { defineMethod } from './method.js';

const share = count.max(1_000_000);

export const evaluationPlan = defineMethod({
  summary: 'How a task was planned to be evaluated before it was published, and what its publisher claims.',
  params: z.strictObject({ task: ordinal }),
  /** Null: it was published without a plan. */
  result: z
    .object({
      /** Of the planned task. */
      id: hex32,
      /** The share of rows that devices keep from training, in 2^-16. */
      heldOut16: count,
      /** What all evaluations together may cost a record; `rhoCap` in 2^-40. */
      epsilonMicro: count,
      deltaPico: count,
      rhoCap: u64,
      height,
      /** The salted commitment to the publisher's test set. */
      testSet: hex32.nullable(),
      /** Shares in 1e-6; null: not claimed (yet), and inside: not defined. */
      claim: z
        .object({
          height,
          model: hex32,
          rows: count,
          positives: count,
          specificityMicro: share,
          measures: z.object({
            auroc: share.nullable(),
            auprc: share.nullable(),
            brier: share,
            accuracy: share,
            sensitivity: share.nullable(),
          }),
        })
        .nullable(),
    })
    .nullable(),
  run: ({ context }, params) => {
    const state = stateOf(context);
    const task = taskOf(state, params.task);
    const stored = planOf(state, context.chainId, task);
    if (stored === null) return null;
    const { task: id, testSet, ...plan } = stored.plan;
    const claimed = claimCell.get(state, task.id);
    return {
      ...plan,
      id: bytesToHex(id),
      rhoCap: stored.rhoCap.toString(),
      height: stored.height,
      testSet: testSet === null ? null : bytesToHex(testSet),
      claim:
        claimed === null
          ? null
          : { ...claimed.claim, height: claimed.height, model: bytesToHex(claimed.model) },
    };
  },
});
