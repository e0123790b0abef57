/** The server's step, by name. */
import { strict as assert } from 'node:assert';
import { fedAdam } from './fedAdam.js';
import { fedAvg } from './fedAvg.js';
import { fedAvgM } from './fedAvgM.js';
import type { ServerParams, ServerStep } from './serverStep.js';

export type ServerStepName = 'fedavg' | 'fedavgm' | 'fedadam';

export const serverSteps: Readonly<Record<ServerStepName, ServerStep>> = {
  fedavg: fedAvg,
  fedavgm: fedAvgM,
  fedadam: fedAdam,
};

/** How many vectors a step keeps from round to round. */
export function momentCount(name: ServerStepName): number {
  return serverSteps[name].initial({ learningRate16: 1, momentum16: 0, secondMoment16: 0, adaptivity16: 1 })
    .length;
}

export interface Served {
  /** Rounded once to float32. */
  readonly weights: Float32Array;
  readonly moments: readonly Float32Array[];
}

/**
 * The next weights. `direction` is [d] in real units: what to go *against*; `moments` is what the last round
 * returned, null before the first.
 *
 * Every engine gets the same bits: one coordinate after the other, + - × ÷ and sqrt. A result that is not finite is
 * a bug (the norm cap bounds every direction) and asserts.
 */
export function serve(
  name: ServerStepName,
  params: ServerParams,
  weights: Float32Array,
  direction: Float64Array,
  moments: readonly Float32Array[] | null,
): Served {
  assert.equal(direction.length, weights.length, 'direction and weights of one length');
  for (const value of Object.values(params))
    assert.ok(Number.isSafeInteger(value) && value >= 0, 'parameters in 2^-16');
  const rule = serverSteps[name];
  const initial = rule.initial(params);
  assert.ok(moments === null || moments.length === initial.length, 'the moments are of this step');
  const kept = initial.map(() => new Float32Array(weights.length));
  const next = new Float32Array(weights.length);
  for (let index = 0; index < weights.length; index++) {
    const before = moments === null ? initial : moments.map((moment) => moment[index]!);
    const stepped = rule.step(direction[index]!, before, params);
    next[index] = weights[index]! - stepped.delta;
    for (const [at, moment] of stepped.moments.entries()) kept[at]![index] = moment;
    assert.ok(Number.isFinite(next[index]) && stepped.moments.every(Number.isFinite), 'weights stay finite');
  }
  return { weights: next, moments: kept };
}

export type { ServerParams, ServerStep } from './serverStep.js';
