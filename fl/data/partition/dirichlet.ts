import type { Uniform } from '../../privacy/uniform.js';
import { type PartitionRule, shuffled, tooFew, uniformOf } from './rule.js';

export const ALPHA_MIN = 0.001;
export const ALPHA_MAX = 1_000_000;
/** Draws until every device has its least number of rows; at alpha 0.1 and 20 devices a few dozen are usual. */
const DRAWS_MAX = 1_000;

/**
 * Uneven classes: for each class a share for every device is drawn from a symmetric Dirichlet(alpha), and its rows,
 * shuffled, are cut by these shares. alpha 0.1: most devices see one or two classes; 100: nearly alike. Drawn again
 * until every device has rowsMin rows; fails with "too-few-rows" after DRAWS_MAX draws.
 *
 * Uses logarithms, which may differ in the last bit between engines: for studies, never for what is hashed.
 * alpha: ALPHA_MIN to ALPHA_MAX. Source: Hsu, Qi, Brown 2019, arXiv:1909.06335; the redrawing as in Li et al. 2022
 * (NIID-Bench), arXiv:2102.02079.
 */
export function dirichlet(alpha: number): PartitionRule {
  if (!(alpha >= ALPHA_MIN && alpha <= ALPHA_MAX)) throw new RangeError(`alpha ${alpha}`);
  return ({ labels, parts, rowsMin, seed }) => {
    if (labels.length < parts * rowsMin) return tooFew(labels.length, parts, rowsMin);
    const uniform = uniformOf(seed);
    const rows = Array.from({ length: labels.length }, (_, index) => index);
    const classes = [...new Set(Array.from(labels))].sort((a, b) => a - b);
    const shuffledRows = classes.map((label) =>
      shuffled(
        rows.filter((row) => labels[row] === label),
        uniform,
      ),
    );
    for (let draw = 0; draw < DRAWS_MAX; draw++) {
      const dealt: number[][] = Array.from({ length: parts }, () => []);
      for (const own of shuffledRows) deal(own, dirichletDraw(alpha, parts, uniform), dealt);
      if (dealt.every((part) => part.length >= rowsMin)) return { ok: true, parts: dealt };
    }
    return tooFew(labels.length, parts, rowsMin);
  };
}

/** Cuts the rows at the cumulative shares, rounded down; the last part takes what is left. */
function deal(rows: readonly number[], shares: readonly number[], parts: readonly number[][]): void {
  let [from, sum] = [0, 0];
  for (const [index, share] of shares.entries()) {
    sum += share;
    const to =
      index === shares.length - 1 ? rows.length : Math.min(rows.length, Math.floor(sum * rows.length));
    parts[index]!.push(...rows.slice(from, to));
    from = Math.max(from, to);
  }
}

/** One draw of a symmetric Dirichlet: gamma draws over their sum, in logarithms, since at small alpha all underflow. */
export function dirichletDraw(alpha: number, count: number, uniform: Uniform): number[] {
  const logs = Array.from({ length: count }, () => logGamma(alpha, uniform));
  const most = Math.max(...logs);
  const scaled = logs.map((log) => Math.exp(log - most));
  const sum = scaled.reduce((total, value) => total + value, 0);
  return scaled.map((value) => value / sum);
}

/** Logarithm of a gamma(shape) draw. Source: Marsaglia and Tsang 2000, ACM TOMS 26(3); below 1 by their boost. */
function logGamma(shape: number, uniform: Uniform): number {
  if (shape < 1) return logGamma(shape + 1, uniform) + Math.log(fraction(uniform)) / shape;
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const z = normal(uniform);
    const v = (1 + c * z) ** 3;
    if (v > 0 && Math.log(fraction(uniform)) < z ** 2 / 2 + d - d * v + d * Math.log(v))
      return Math.log(d * v);
  }
}

/** Box-Muller. */
function normal(uniform: Uniform): number {
  return Math.sqrt(-2 * Math.log(fraction(uniform))) * Math.cos(2 * Math.PI * fraction(uniform));
}

/** Uniform on (0, 1), 40 bits. */
function fraction(uniform: Uniform): number {
  return (uniform.below(2 ** 40) + 0.5) / 2 ** 40;
}
