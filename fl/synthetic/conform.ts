import type { DataSchema } from '../data/schema.js';

/** Columns of an encoded row that say one thing: a number or a category's values, and the indicator that it is missing. */
export interface Place {
  readonly kind: 'number' | 'category';
  /** First column and how many: 1 of a number, one for each category. */
  readonly at: number;
  readonly count: number;
  /** The column that is 1 where the value is missing; null: there is none. */
  readonly indicator: number | null;
  /** Public bounds of the encoded value. */
  readonly low: number;
  readonly high: number;
}

/** What stands where in an encoded row, by the schema alone. */
export function placesOf(schema: DataSchema): readonly Place[] {
  let next = 0;
  return schema.features.flatMap((feature) => {
    const { kind, count, categories, indicator, centerMicro, scaleMicro } = feature;
    const start = next;
    const values = kind === 'number' ? count : categories.length;
    next += values + (indicator ? count : 0);
    const scaled = (micro: number): number => Math.fround((micro - centerMicro) / scaleMicro);
    const bounds = { low: scaled(feature.minMicro), high: scaled(feature.maxMicro) };
    return Array.from({ length: count }, (_, index) => ({
      kind,
      at: start + index,
      count: kind === 'number' ? 1 : categories.length,
      indicator: indicator ? start + values + index : null,
      ...bounds,
    }));
  });
}

/**
 * Makes any numbers rows of the schema, in place: a value within its bounds, the likeliest category, indicators 0 or 1
 * (from 1/2 on), and nothing where it is missing.
 *
 * x: [rows][width], width that of the schema. A row of real data stays as it is.
 */
export function conform(x: Float32Array, places: readonly Place[], width: number): void {
  for (let row = 0; row < x.length; row += width)
    for (const place of places) conformValue(x.subarray(row, row + width), place);
}

function conformValue(row: Float32Array, { kind, at, count, indicator, low, high }: Place): void {
  const isMissing = indicator !== null && row[indicator]! >= 0.5;
  if (indicator !== null) row[indicator] = isMissing ? 1 : 0;
  const values = row.subarray(at, at + count);
  if (isMissing) values.fill(0);
  else if (kind === 'number') values[0] = Math.min(high, Math.max(low, values[0]!));
  else {
    let best = 0;
    for (let index = 1; index < count; index++) if (values[index]! > values[best]!) best = index;
    values.fill(0);
    values[best] = 1;
  }
}
