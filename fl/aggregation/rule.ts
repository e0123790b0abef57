import type { Grid } from '../grid/index.js';
import type { RoundUpdate } from '../robust/index.js';

/** A named way to make one mean update of those that qualified. Deterministic: integers, then + - × ÷ in float64. */
export interface AggregationRule {
  readonly name: string;
  /** Shape: at least one update, qualified, sorted by device; the result is [d], per unit, in real units. */
  aggregate(updates: readonly RoundUpdate[], grid: Grid): Float64Array;
}
