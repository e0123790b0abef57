import { adaptive } from './adaptive.js';
import { fixed } from './fixed.js';
import { quantile } from './quantile.js';
import type { Clipping, ClippingRule } from './rule.js';

export { clipWhole } from './clipWhole.js';
export { countRho } from './quantile.js';
export type { Clipping, ClippingParams, ClippingRelease, ClippingRule } from './rule.js';
export { AIM16_MAX, CLIP16_MAX } from './rule.js';

/** Rules for the clipping threshold, by the name that a task gives. */
export const clippingRules = { fixed, adaptive, quantile } as const satisfies Readonly<
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

/** Null if the choice holds together with C and σ, else the reason why not, for people. */
export function checkClipping(choice: ClippingChoice, clip16: number, sigma16: number): string | null {
  const { rule, clipMin16, aim16, countSigma16 } = choice;
  const { asksForCount, aim16Max } = clippingRules[rule];
  if (clipMin16 > clip16) return `the least threshold ${clipMin16} is above the first, ${clip16}`;
  if (aim16 > aim16Max) return `${rule} aims at ${aim16Max}/65536 at most`;
  if (asksForCount && sigma16 !== 0 && countSigma16 === 0)
    return `${rule} asks for a count, which needs noise of its own`;
  if (countSigma16 !== 0 && !(asksForCount && sigma16 !== 0))
    return 'there is no count for this noise to hide';
  return null;
}
