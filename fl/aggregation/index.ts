/** How qualified updates become the next model: named aggregation rules and the server's step. */
import { centredClipping } from './centredClipping.js';
import { geometricMedian } from './geometricMedian.js';
import { mean } from './mean.js';
import { median } from './median.js';
import type { AggregationRule } from './rule.js';
import { trimmedMean } from './trimmedMean.js';

export type AggregationName = 'mean' | 'median' | 'trimmed-mean' | 'geometric-median' | 'centred-clipping';

export const aggregationRules: Readonly<Record<AggregationName, AggregationRule>> = {
  mean,
  median,
  'trimmed-mean': trimmedMean,
  'geometric-median': geometricMedian,
  'centred-clipping': centredClipping,
};

export * from './optimizerState.js';
export * from './rule.js';
export * from './server/index.js';
