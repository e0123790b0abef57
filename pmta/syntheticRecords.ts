import type { RandomBytes } from '../crypto/index.js';
import {
  checkSynthesis,
  type DataSchema,
  encodedWidth,
  epsilonMicroOfRho,
  rhoCap,
  type SynthesisJob,
  synthesiseGaussian,
} from '../fl/index.js';

export interface SyntheticOptions {
  readonly schema: DataSchema;
  /** ε in 10⁻⁶, δ in 10⁻¹². */
  readonly epsilonMicro: number;
  readonly deltaPico: number;
}

/** A record in the place of another is one taken out and one put in: twice as far, four times ρ. */
const REPLACED = 4n;
/** The class that every provider has. */
const PROVIDER = 0;

/**
 * The generator's own ε, of a record against an empty place, at which one record in the place of another has the
 * declared one (both in 10⁻⁶): so that synthetic records promise what noised attributes do, and their costs add up.
 */
export function zeroOutEpsilon(epsilonMicro: number, deltaPico: number): number {
  // One less than the least ε that a quarter of the cap fits: its own cap is below that quarter.
  return epsilonMicroOfRho(rhoCap(epsilonMicro, deltaPico) / REPLACED, deltaPico) - 1;
}

/** What synthetic records cost each provider, in 2⁻⁴⁰: at most the cap of (ε, δ). */
export function syntheticRho(epsilonMicro: number, deltaPico: number): bigint {
  return REPLACED * rhoCap(zeroOutEpsilon(epsilonMicro, deltaPico), deltaPico);
}

/** Why these providers can have no synthetic records, for people; null: they can. */
export function checkSyntheticRecords(points: Float64Array, options: SyntheticOptions): string | null {
  return checkSynthesis(jobOf(points, options));
}

/**
 * Records like the providers', made by the DP Gaussian sampler of `fl/synthetic/` under (ε, δ), replace-one: whatever is
 * computed from them tells of one provider's attributes no more. One Gaussian, since labels are no attributes: all are of
 * the class that stands for providers, however many others the noise on the classes' counts makes up.
 *
 * points: [providers][width], as the schema encodes; the result [records][width], as many. Wants a cryptographic
 * source. What `checkSyntheticRecords` refuses asserts. Cost: that of `synthesiseGaussian`.
 */
export function syntheticRecords(
  points: Float64Array,
  options: SyntheticOptions,
  random: RandomBytes,
): Float64Array {
  return Float64Array.from(synthesiseGaussian(jobOf(points, options), random, PROVIDER).records.x);
}

function jobOf(points: Float64Array, { schema, epsilonMicro, deltaPico }: SyntheticOptions): SynthesisJob {
  const rows = points.length / encodedWidth(schema);
  return {
    schema,
    x: Float32Array.from(points),
    y: new Float32Array(rows).fill(PROVIDER),
    epsilonMicro: zeroOutEpsilon(epsilonMicro, deltaPico),
    deltaPico,
    rows,
  };
}
