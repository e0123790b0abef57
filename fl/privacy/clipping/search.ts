import { strict as assert } from 'node:assert';
import { AIM16_MAX, assertClipping, type ClippingParams, type ClippingRule, clampClip } from './rule.js';
import { wholeShare } from './wholeShare.js';

/** What the rule remembers. */
const SEARCHING = 0n;
const FOUND = 1n;

/**
 * Finds the threshold, then keeps it: while more than the share γ of the units was not clipped, C ← η·C; from the first
 * round in which no more were, or from clipMin on, C stays for good.
 *
 * A round in which C falls leaves the model as it was (`leavesOutFalls`): its noise was drawn for a C that is too large,
 * and a step with it would have to be unlearnt. So all rounds of the search, the task's first ones, see the same model,
 * and what is looked at is one fixed distribution of norms. Such a round publishes and costs what any other does.
 * Count, noise and charge are those of `quantile`; beside it this one loses fewer rounds, and does not follow noise
 * once it has found C.
 * Limits: at most `searchRoundsMax` rounds. Whole numbers: everyone gets the same.
 */
export const search: ClippingRule = {
  asksForCount: true,
  leavesOutFalls: true,
  aim16Max: 2 ** 16 - 1,
  rate16Max: 2 ** 16 - 1,
  start(params) {
    assertClipping(params);
    assert.ok(params.aim16 <= this.aim16Max, 'a share is less than all');
    assert.ok(params.rate16 <= this.rate16Max, 'a threshold that falls');
    return { clip16: params.clip16, memory: SEARCHING };
  },
  next(params, before, release) {
    if (before.memory === FOUND) return before;
    const { whole, all } = wholeShare(release);
    const aboveAim = whole << 16n > all * BigInt(params.aim16);
    if (!aboveAim || before.clip16 <= params.clipMin16) return { clip16: before.clip16, memory: FOUND };
    return { clip16: fallen(params, before.clip16), memory: SEARCHING };
  },
};

/** Below `clip16`, unless that is the least already. */
function fallen(params: ClippingParams, clip16: number): number {
  return clampClip((BigInt(clip16) * BigInt(params.rate16)) >> 16n, params);
}

/** How many rounds a search can take before C is at its least, counted up to `most`. */
export function searchRoundsMax(params: ClippingParams, most: number): number {
  assert.ok(params.rate16 <= search.rate16Max && params.aim16 <= AIM16_MAX, 'a threshold that falls');
  let rounds = 0;
  for (let at = params.clip16; at > params.clipMin16 && rounds < most; rounds++) at = fallen(params, at);
  return rounds;
}
