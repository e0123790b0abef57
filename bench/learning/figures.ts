import type { Row } from '../row.js';
import { meanAndDeviation, plusMinus } from '../study/mean.js';
import type { Run } from '../study/network.js';
import { round } from './section.js';

export const BACKEND = 'float64 in JavaScript, updates and verdicts in integers';

export function meanOf(values: readonly number[]): number {
  return meanAndDeviation(values).mean;
}

export function accuracies(runs: readonly Run[]): number[] {
  return runs.map(({ accuracy }) => round(100 * accuracy, 4));
}

/** A figure over seeds with its goal: `least` or `most` it may be. */
export function goalRow(
  name: string,
  values: readonly number[],
  unit: string,
  bound: { readonly least: number } | { readonly most: number },
  reference: string | null = null,
): Row {
  const value = meanOf(values);
  const spread = plusMinus(values, unit === '%' ? 1 : 2);
  return {
    name,
    value: round(value, 4),
    unit,
    goal: 'least' in bound ? `≥ ${bound.least}` : bound.most === 0 ? '0' : `≤ ${bound.most}`,
    // Means carry the rounding of doubles.
    met: 'least' in bound ? value >= bound.least - 1e-9 : value <= bound.most + 1e-9,
    reference: reference === null ? spread : `${spread}; ${reference}`,
  };
}
