import { adaptive } from './adaptive.js';
import { fixed } from './fixed.js';
import { quantile } from './quantile.js';
import type { ClippingRule } from './rule.js';

export { countRho } from './quantile.js';
export type { Clipping, ClippingParams, ClippingRelease, ClippingRule } from './rule.js';

/** Rules for the clipping threshold, by the name that a task gives. */
export const clippingRules = { fixed, adaptive, quantile } as const satisfies Readonly<
  Record<string, ClippingRule>
>;
export type ClippingName = keyof typeof clippingRules;
