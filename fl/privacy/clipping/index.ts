import { adaptive } from './adaptive.js';
import { fixed } from './fixed.js';
import { quantile } from './quantile.js';
import type { Clipping, ClippingRule } from './rule.js';
import { search, searchRoundsMax } from './search.js';

export { clipWhole } from './clipWhole.js';
export { countRho } from './quantile.js';
export type { Clipping, ClippingParams, ClippingRelease, ClippingRule } from './rule.js';
export { AIM16_MAX, CLIP16_MAX, RATE16_MAX } from './rule.js';

/** Rules for the clipping threshold, by the name that a task gives. */
export const clippingRules = { fixed, adaptive, quantile, search } as const satisfies Readonly<
  Record<string, ClippingRule>
>;
export type ClippingName = keyof typeof clippingRules;

/** What a task says of its clipping beside C: the rule, its parameters, and the noise of the count if it asks for one. */
export interface ClippingChoice {
  readonly rule: ClippingName;
  readonly clipMin16: number;
  readonly rate16: number;
  readonly aim16: number;
  /** σ of each device's count in 2^-16; 0 for a rule that asks for none, and on public data. */
  readonly countSigma16: number;
}

/** C stays: the other numbers are not looked at. */
export const fixedClipping: ClippingChoice = {
  rule: 'fixed',
  clipMin16: 1,
  rate16: 1,
  aim16: 1,
  countSigma16: 0,
};

export function startClipping({ rule, ...params }: ClippingChoice, clip16: number): Clipping {
  return clippingRules[rule].start({ ...params, clip16 });
}

/** σ of the count that a round's updates carry; null: they carry none. */
export function countSigmaOf({ rule, countSigma16 }: ClippingChoice): number | null {
  return clippingRules[rule].asksForCount ? countSigma16 : null;
}

/**
 * Is the model's step left out of a round that began at one threshold and moved it to the other? A function of public
 * numbers alone, so whoever knows the two knows it; nothing else tells.
 */
export function leavesOutStep({ rule }: ClippingChoice, before: Clipping, after: Clipping): boolean {
  return clippingRules[rule].leavesOutFalls && after.clip16 < before.clip16;
}

/** What the choice has to hold together with. */
export interface ClippingSetting {
  readonly clip16: number;
  readonly sigma16: number;
  readonly rounds: number;
}

/** Null if the choice holds together with C, σ and the rounds, else the reason why not, for people. */
export function checkClipping(choice: ClippingChoice, setting: ClippingSetting): string | null {
  const { clip16, sigma16, rounds } = setting;
  const { rule, clipMin16, rate16, aim16, countSigma16 } = choice;
  const { asksForCount, leavesOutFalls, aim16Max, rate16Max } = clippingRules[rule];
  if (clipMin16 > clip16) return `the least threshold ${clipMin16} is above the first, ${clip16}`;
  if (aim16 > aim16Max) return `${rule} aims at ${aim16Max}/65536 at most`;
  if (rate16 > rate16Max) return `the rate of ${rule} is ${rate16Max}/65536 at most`;
  if (leavesOutFalls && searchRoundsMax({ ...choice, clip16 }, rounds) >= rounds)
    return `${rule} may leave the model as it is in all ${rounds} rounds: raise the least threshold, or lower the rate`;
  if (asksForCount && sigma16 !== 0 && countSigma16 === 0)
    return `${rule} asks for a count, which needs noise of its own`;
  if (countSigma16 !== 0 && !(asksForCount && sigma16 !== 0))
    return 'there is no count for this noise to hide';
  return null;
}
