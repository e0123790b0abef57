import { logMixture } from './renyi.js';

/** Which of two neighbouring tables the released numbers come from: the one with the record, or without it. */
export type Direction = 'with' | 'without';

/**
 * The privacy loss of one round on whole multiples of `step`, tilted by e^(tilt · loss) and normalised.
 *
 * `masses[i]` belongs to the loss (first + i) · step; they sum to 1. The untilted mass is
 *   masses[i] · e^(logMoment - tilt · loss). `infinite` is untilted: what was cut from the upper tail, counted as lost.
 */
export interface LossDistribution {
  readonly step: number;
  readonly first: number;
  readonly masses: Float64Array;
  readonly tilt: number;
  readonly logMoment: number;
  readonly infinite: number;
}

export interface Discretisation {
  readonly sigma: number;
  readonly rate: number;
  readonly direction: Direction;
  readonly step: number;
  readonly tilt: number;
  /** How many σ of the noise are looked at on either side; beyond them the loss is infinite, or rounded up. */
  readonly reach: number;
}

/**
 * Discretises the loss of one round of the sampled Gaussian mechanism, pessimistically: its curve δ(ε) lies on or above
 * the true one everywhere, and so do those of its sums.
 *
 * Rule: a loss between two multiples of `step` is split between both so that its probability under either table stays
 *   what it was; this is the chord of δ as a function of e^ε ("connect the dots"). The lower tail of the noise moves up
 *   to the lowest multiple, the upper tail becomes an infinite loss.
 * Error: 16 Gauss-Legendre points for each piece of at most min(σ, σ²)/4, 4 below a sixteenth of that: about 1e-15 of
 *   each mass.
 * Cost: about 0.2 µs a point.
 * Source: Doroshenko et al. 2022, arXiv:2207.04380, algorithm 1; Koskela, Jälkö, Honkela 2020, arXiv:1906.03049.
 */
export function discretiseLoss(options: Discretisation): LossDistribution {
  const { sigma, direction, step, tilt, reach } = options;
  // y runs over the noise so that the loss grows with it; "with" has a second bump at 1.
  const [low, high] = [-reach * sigma, reach * sigma + (direction === 'with' ? 1 : 0)];
  const first = Math.floor(lossAt(low, options) / step);
  const last = Math.ceil(lossAt(high, options) / step);
  const logs = new Float64Array(last - first + 1).fill(Number.NEGATIVE_INFINITY);
  const tail = Math.exp((-reach * reach) / 2) / 2; // P(N > reach) is below it
  const scratch: Split = { lower: 0, upper: 0 };
  for (let i = 0; i + 1 < logs.length; i++) {
    const bottom = (first + i) * step;
    const from = Math.max(low, noiseAt(bottom, options));
    const to = Math.min(high, noiseAt(bottom + step, options));
    if (!(to > from)) continue;
    splitMass(options, from, to, bottom, scratch);
    logs[i] = logAdd(logs[i]!, Math.log(scratch.lower));
    logs[i + 1] = logAdd(logs[i + 1]!, Math.log(scratch.upper));
  }
  logs[1] = logAdd(logs[1]!, Math.log(tail)); // first + 1 is above every loss of the lower tail
  return tilted(logs, { step, first, tilt, infinite: tail });

  function tilted(
    masses: Float64Array,
    rest: Omit<LossDistribution, 'masses' | 'logMoment'>,
  ): LossDistribution {
    let top = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < masses.length; i++) {
      masses[i]! += tilt * (first + i) * step;
      top = Math.max(top, masses[i]!);
    }
    let sum = 0;
    for (let i = 0; i < masses.length; i++) {
      masses[i] = Math.exp(masses[i]! - top);
      sum += masses[i]!;
    }
    for (let i = 0; i < masses.length; i++) masses[i]! /= sum;
    return { ...rest, masses, logMoment: top + Math.log(sum) };
  }
}

type Point = Pick<Discretisation, 'sigma' | 'rate' | 'direction'>;

/** The loss when the noised number is y ("with": y is the number; "without": its negative, so that loss grows with y). */
export function lossAt(y: number, { sigma, rate, direction }: Point): number {
  const sign = direction === 'with' ? 1 : -1;
  return sign * logMixture((sign * 2 * y - 1) / (2 * sigma * sigma), rate);
}

/** The inverse of `lossAt`; ∓∞ beyond the losses that occur. */
function noiseAt(loss: number, { sigma, rate, direction }: Point): number {
  const sign = direction === 'with' ? 1 : -1;
  return sign * (sigma * sigma * logUnmix(sign * loss, rate) + 0.5);
}

/** The x with log(1 - q + q·e^x) = loss; -∞ where there is none. */
function logUnmix(loss: number, rate: number): number {
  const rest = 1 - rate;
  if (loss > 1) return loss + Math.log1p(-rest * Math.exp(-loss)) - Math.log(rate);
  const scaled = Math.expm1(loss) / rate;
  return scaled <= -1 ? Number.NEGATIVE_INFINITY : Math.log1p(scaled);
}

/** The density of y under the table that `direction` names. */
export function densityAt(y: number, { sigma, rate, direction }: Point): number {
  const norm = sigma * Math.sqrt(2 * Math.PI);
  const bump = (x: number) => Math.exp((-x * x) / (2 * sigma * sigma)) / norm;
  return direction === 'with' ? (1 - rate) * bump(y) + rate * bump(y - 1) : bump(y);
}

interface Split {
  lower: number;
  upper: number;
}

/** The probability of losses in bottom .. bottom + step, over the noise from .. to, split between the two ends. */
function splitMass(options: Discretisation, from: number, to: number, bottom: number, into: Split): void {
  const pieces = Math.max(1, Math.ceil((4 * (to - from)) / Math.min(options.sigma, options.sigma ** 2)));
  const { nodes, weights } = pieces === 1 && 64 * (to - from) < options.sigma ** 2 ? FEW : MANY;
  const half = (to - from) / (2 * pieces);
  const whole = -Math.expm1(-options.step);
  into.lower = 0;
  into.upper = 0;
  for (let piece = 0; piece < pieces; piece++) {
    const centre = from + (2 * piece + 1) * half;
    for (let k = 0; k < nodes.length; k++) {
      const y = centre + half * nodes[k]!;
      const mass = weights[k]! * half * densityAt(y, options);
      const above = Math.min(options.step, Math.max(0, lossAt(y, options) - bottom));
      const upper = -Math.expm1(-above) / whole;
      into.upper += mass * upper;
      into.lower += mass * (1 - upper);
    }
  }
}

function logAdd(a: number, b: number): number {
  const [high, low] = a > b ? [a, b] : [b, a];
  return low === Number.NEGATIVE_INFINITY ? high : high + Math.log1p(Math.exp(low - high));
}

const FEW = gaussLegendre(4);
const MANY = gaussLegendre(16);

/** Gauss-Legendre on -1 .. 1: roots of the Legendre polynomial by Newton, weights from its slope. */
function gaussLegendre(n: number): { readonly nodes: Float64Array; readonly weights: Float64Array } {
  const nodes = new Float64Array(n);
  const weights = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let x = Math.cos((Math.PI * (i + 0.75)) / (n + 0.5));
    let slope = 1;
    for (let again = 0; again < 8; again++) {
      let [before, now] = [1, x];
      for (let k = 2; k <= n; k++) [before, now] = [now, ((2 * k - 1) * x * now - (k - 1) * before) / k];
      slope = (n * (before - x * now)) / (1 - x * x);
      x -= now / slope;
    }
    nodes[i] = x;
    weights[i] = 2 / ((1 - x * x) * slope * slope);
  }
  return { nodes, weights };
}
