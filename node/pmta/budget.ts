import { calibrateSigma16, epsilonMicroOfRho, rhoCap, roundRho } from '../../fl/index.js';
import { syntheticRho } from '../../pmta/index.js';
import type { PmtaResult } from './resultFile.js';
import type { PipelineOptions } from './steps.js';

export type Spent = NonNullable<PmtaResult['spent']>;

export type Charged =
  | { readonly ok: true; readonly spent: Spent | null }
  | { readonly ok: false; readonly reason: 'other-delta' | 'over-budget'; readonly earlier: Spent | null };

/**
 * What a data set's releases come to with another one, if its budget allows it.
 *
 * Gaussian noise adds up in ρ. A level by lot is ε-DP by itself, of the provider's own attributes: such ε add up, and
 * are added to what the Gaussian releases come to at δ (Dwork et al. 2006: (ε₁, δ) and (ε₂, 0) make (ε₁ + ε₂, δ)). Areas
 * are parts of the data, so they cost what one does. All of it is replace-one.
 * budgetMicro: ε in 10⁻⁶. Public attributes cost nothing.
 */
export function charge(
  earlier: Spent | null,
  privacy: PipelineOptions['privacy'],
  budgetMicro: number,
): Charged {
  if (privacy === null) return { ok: true, spent: earlier };
  const { deltaPico } = privacy;
  if (earlier !== null && earlier.deltaPico !== deltaPico)
    return { ok: false, reason: 'other-delta', earlier };
  const assignedMicro =
    (earlier?.assignedMicro ?? 0) + (privacy.kind === 'synthetic' ? privacy.assignMicro : 0);
  const rho = BigInt(earlier?.rho ?? 0) + rhoOf(privacy);
  const left = budgetMicro - assignedMicro;
  if (left < 1 || rho > rhoCap(left, deltaPico)) return { ok: false, reason: 'over-budget', earlier };
  const releases = (earlier?.releases ?? 0) + 1;
  return { ok: true, spent: { rho: String(rho), releases, deltaPico, assignedMicro } };
}

function rhoOf(privacy: NonNullable<PipelineOptions['privacy']>): bigint {
  const { epsilonMicro, deltaPico } = privacy;
  return privacy.kind === 'synthetic'
    ? syntheticRho(epsilonMicro, deltaPico)
    : roundRho(calibrateSigma16({ epsilonMicro, deltaPico, rounds: 1 }));
}

/** The ε of all that is spent, at its δ. */
export function epsilonSpent({ rho, deltaPico, assignedMicro }: Spent): number {
  return (epsilonMicroOfRho(BigInt(rho), deltaPico) + assignedMicro) / 1e6;
}
