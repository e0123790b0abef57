import { renyiDivergence } from './renyi.js';
import { assertDelta, type SampledGaussian } from './sampledGaussian.js';

/** Moments that the paper's accountant looks at. */
const MOMENTS = 32;

/**
 * ε at δ by the moments accountant, as the older papers report it. For comparison only: sound, and never tighter
 * than the Rényi accountant, whose conversion is better.
 *
 * Rule: ε = min over λ = 1 .. 32 of (α(λ) - log δ)/λ; the moment α(λ) is λ times the Rényi divergence of order λ + 1.
 * Source: Abadi et al. 2016, arXiv:1607.00133, theorem 2.
 */
export function momentsEpsilon(mechanism: SampledGaussian, delta: number): number {
  assertDelta(delta);
  let least = Number.POSITIVE_INFINITY;
  for (let moment = 1; moment <= MOMENTS; moment++) {
    least = Math.min(least, renyiDivergence(mechanism, moment + 1) - Math.log(delta) / moment);
  }
  return least;
}
