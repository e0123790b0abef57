import type { Rows } from '../data/encodeRows.js';
import { type Measured, measure } from './measure.js';
import { scoredRows } from './scored.js';

/** One site held out: a model that never saw it, measured on it. */
export interface HeldOutSite extends Measured {
  readonly site: string;
  readonly trainRows: number;
}

/**
 * What a hospital that did not take part may expect: for each site a model is trained on all others and measured on
 * it. `train` gets the rows of the others and returns how to score rows (logits). Needs two sites or more.
 * Cost: one training a site.
 */
export function leaveOneSiteOut(
  { x, y, rows, sites }: Rows,
  specificity: number,
  train: (x: Float32Array, y: Float32Array) => (x: Float32Array) => ArrayLike<number>,
): HeldOutSite[] {
  const names = [...new Set(sites ?? [])].sort((a, b) => (a < b ? -1 : 1));
  if (sites === null || names.length < 2) throw new RangeError('leaving one site out needs two sites');
  const width = x.length / rows;
  const take = (chosen: readonly number[]): { readonly x: Float32Array; readonly y: Float32Array } => {
    const taken = new Float32Array(chosen.length * width);
    for (const [index, row] of chosen.entries())
      taken.set(x.subarray(row * width, (row + 1) * width), index * width);
    return { x: taken, y: Float32Array.from(chosen, (row) => y[row]!) };
  };
  return names.map((site) => {
    const own = sites.flatMap((name, row) => (name === site ? [row] : []));
    const others = sites.flatMap((name, row) => (name === site ? [] : [row]));
    const [held, rest] = [take(own), take(others)];
    const logits = train(rest.x, rest.y)(held.x);
    return { site, trainRows: others.length, ...measure(scoredRows(logits, held.y), specificity) };
  });
}
