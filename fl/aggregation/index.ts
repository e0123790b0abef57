/** How qualified updates become the next model: named aggregation rules and the server's step. */
import { mean } from './mean.js';
import { median } from './median.js';
import type { AggregationRule } from './rule.js';
import { trimmedMean } from './trimmedMean.js';

export type AggregationName = 'mean' | 'median' | 'trimmed-mean';

export const aggregationRules: Readonly<Record<AggregationName, AggregationRule>> = {
  mean,
  median,
  'trimmed-mean': trimmedMean,
};

export * from './rule.js';
export * from './serverStep.js';
