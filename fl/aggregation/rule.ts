import type { Grid } from '../grid/index.js';
import type { RoundUpdate } from '../robust/index.js';

/**
 * A named way to make one mean update of those that qualified. Deterministic: integers, then + - × ÷ and sqrt in
 * float64, in one fixed order.
 */
export interface AggregationRule {
  readonly name: string;
  /** It starts from what it made of the last round, which is then kept in the state of the task. */
  readonly remembers: boolean;
  /**
   * Shape: at least one update, qualified, sorted by device; the result is [d], per unit, in real units. `before`
   * is the last round's result, null before the first.
   */
  aggregate(updates: readonly RoundUpdate[], grid: Grid, before: Float64Array | null): Float64Array;
}
