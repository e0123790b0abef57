import { lastInputs, logitsOf } from '../model/evaluate.js';
import { type ModelSpec, placedLayers } from '../model/spec.js';
import { crossEntropy, fitIntercept } from './calibration.js';
import { scoredRows } from './scored.js';

/** Inputs of a last layer that can be fitted: a matrix of this size squared is factored in each step. */
export const HEAD_INPUTS_MAX = 512;

export type PersonalFault = 'one-class' | 'too-wide' | 'not-converged';
export type Personalised =
  | { readonly ok: true; readonly weights: Float32Array }
  | { readonly ok: false; readonly reason: PersonalFault };

const STEPS_MAX = 100;
const TOLERANCE = 1e-8;
const ROUNDING = 1e-12;

/**
 * A site's own intercept, of a model with one logit: the shared model with its last bias moved so that on the site's rows the mean probability
 * is the share of positives. Everything else stays. It mends what differs most between hospitals, how frequent the
 * outcome is, and takes one number from the data. Fails with "one-class".
 * Source: Steyerberg et al. 2004, doi:10.1002/sim.1844 (updating the intercept).
 */
export function fitSiteIntercept(
  model: ModelSpec,
  weights: Float32Array,
  x: Float32Array,
  y: ArrayLike<number>,
): Personalised {
  const shift = fitIntercept(scoredRows(logitsOf(model, weights, x), y));
  if (shift === null) return { ok: false, reason: 'one-class' };
  const moved = weights.slice();
  moved[moved.length - 1]! += shift;
  return { ok: true, weights: moved };
}

/**
 * A site's own last layer, of one logit, drawn toward the shared one: minimises Σ cross-entropy + strength/2 · ‖w - w_shared‖² over
 * the last layer's weights and bias, by Newton's method; layers below stay. strength: above 0, in rows' worth of
 * evidence; at 1 a weight that a hundred rows speak for is nearly free. The minimum exists and is one, also with one
 * class and where the classes are separated.
 * Fails with "too-wide" above HEAD_INPUTS_MAX inputs. Cost: rows · k² a step, k inputs of the last layer.
 * Source: Evgeniou and Pontil 2004 (regularised multi-task learning); Arivazhagan et al. 2019, arXiv:1912.00818
 * (personal layers).
 */
export function fitSiteHead(
  model: ModelSpec,
  weights: Float32Array,
  x: Float32Array,
  y: ArrayLike<number>,
  strength: number,
): Personalised {
  const inputs = placedLayers(model).at(-1)!.input[0]!;
  if (inputs > HEAD_INPUTS_MAX) return { ok: false, reason: 'too-wide' };
  const size = inputs + 1;
  const shared = Float64Array.from(weights.subarray(weights.length - size));
  const problem: Problem = { rows: lastInputs(model, weights, x), labels: y, inputs, shared, strength };
  let head = shared;
  let loss = lossOf(problem, head);
  for (let step = 0; step < STEPS_MAX; step++) {
    const { gradient, hessian } = derivatives(problem, head);
    const by = solve(hessian, gradient, size);
    const longest = by.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    if (longest < TOLERANCE) {
      const fitted = weights.slice();
      fitted.set(Float32Array.from(head), weights.length - size);
      return { ok: true, weights: fitted };
    }
    let scale = 1;
    let next = head.map((value, index) => value - by[index]!);
    // The last steps change the loss by less than doubles tell: such a rise is none.
    while (lossOf(problem, next) > loss + ROUNDING * Math.abs(loss) && scale > 1e-12) {
      scale /= 2;
      next = head.map((value, index) => value - scale * by[index]!);
    }
    if (scale <= 1e-12) next = head;
    [head, loss] = [next, lossOf(problem, next)];
    if (scale <= 1e-12) break; // as near as doubles come
  }
  return { ok: false, reason: 'not-converged' };
}

interface Problem {
  /** [rows][inputs] */
  readonly rows: Float64Array;
  readonly labels: ArrayLike<number>;
  readonly inputs: number;
  readonly shared: Float64Array;
  readonly strength: number;
}

function logit({ rows, inputs }: Problem, head: Float64Array, row: number): number {
  let sum = head[inputs]!;
  for (let input = 0; input < inputs; input++) sum += head[input]! * rows[row * inputs + input]!;
  return sum;
}

function lossOf(problem: Problem, head: Float64Array): number {
  let loss = head.reduce(
    (sum, value, index) => sum + (problem.strength / 2) * (value - problem.shared[index]!) ** 2,
    0,
  );
  for (let row = 0; row < problem.labels.length; row++)
    loss += crossEntropy(logit(problem, head, row), problem.labels[row]!);
  return loss;
}

function derivatives(
  problem: Problem,
  head: Float64Array,
): { readonly gradient: Float64Array; readonly hessian: Float64Array } {
  const { rows, labels, inputs, shared, strength } = problem;
  const size = inputs + 1;
  const gradient = head.map((value, index) => strength * (value - shared[index]!));
  const hessian = new Float64Array(size * size);
  for (let index = 0; index < size; index++) hessian[index * size + index] = strength;
  for (let row = 0; row < labels.length; row++) {
    const p = 1 / (1 + Math.exp(-logit(problem, head, row)));
    const value = (index: number): number => (index === inputs ? 1 : rows[row * inputs + index]!);
    for (let i = 0; i < size; i++) {
      gradient[i]! += (p - labels[row]!) * value(i);
      const scaled = p * (1 - p) * value(i);
      for (let j = 0; j <= i; j++) hessian[i * size + j]! += scaled * value(j);
    }
  }
  return { gradient, hessian };
}

/** Solves H s = g for a symmetric positive definite H, given by its lower triangle, which is overwritten (Cholesky). */
function solve(hessian: Float64Array, right: Float64Array, size: number): Float64Array {
  for (let j = 0; j < size; j++) {
    for (let i = j; i < size; i++) {
      let sum = hessian[i * size + j]!;
      for (let k = 0; k < j; k++) sum -= hessian[i * size + k]! * hessian[j * size + k]!;
      hessian[i * size + j] = i === j ? Math.sqrt(sum) : sum / hessian[j * size + j]!;
    }
  }
  const solution = right.slice();
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < i; k++) solution[i]! -= hessian[i * size + k]! * solution[k]!;
    solution[i]! /= hessian[i * size + i]!;
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) solution[i]! -= hessian[k * size + i]! * solution[k]!;
    solution[i]! /= hessian[i * size + i]!;
  }
  return solution;
}
