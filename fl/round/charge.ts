import { type LocalWork, releasesOf } from '../local/index.js';
import {
  type ClippingChoice,
  chargeFactor,
  countRho,
  countSigmaOf,
  leastWhole,
  rhoCap,
  roundRho,
  SIGMA16_MAX,
  type Unit,
} from '../privacy/index.js';

/** What of a task says how much a round costs. */
export interface Costly {
  readonly privacy: { readonly unit: Unit; readonly sigma16: number };
  readonly local: LocalWork;
  readonly clipping: ClippingChoice;
}

/**
 * ρ in 2^-40 of one update: each of its noised steps, and the noised count if it carries one. 0 without noise.
 *
 * The same for contract, node and device, and for every threshold: noise is measured against it.
 */
export function updateRho({ privacy, local, clipping }: Costly): bigint {
  const { sigma16 } = privacy;
  if (sigma16 === 0) return 0n;
  const countSigma16 = countSigmaOf(clipping);
  const count = countSigma16 === null ? 0n : countRho(countSigma16);
  return BigInt(releasesOf(local)) * roundRho(sigma16) + count;
}

/**
 * The same as a ledger counts it that is declared for `unit`; null: that ledger can't bound what such a task tells.
 */
export function ledgerCost({ unit }: { readonly unit: Unit }, task: Costly): bigint | null {
  const factor = chargeFactor(unit, task.privacy.unit);
  return factor === null ? null : factor * updateRho(task);
}

/** What all rounds of a task may cost together. ε in 1e-6, δ in 1e-12. */
export interface TaskBudget {
  readonly epsilonMicro: number;
  readonly deltaPico: number;
  readonly rounds: number;
}

/** Do all rounds of a task keep its ε and δ? What is refused at publication if they don't. Cost: as `rhoCap`. */
export function fitsBudget({ epsilonMicro, deltaPico, rounds }: TaskBudget, task: Costly): boolean {
  return BigInt(rounds) * updateRho(task) <= rhoCap(epsilonMicro, deltaPico);
}

/** The least σ (in 2^-16) with which a task fits its budget; null: the count alone takes too much, or no σ does. */
export function calibrateUpdateSigma16({
  unit,
  local,
  clipping,
  ...budget
}: TaskBudget & Omit<Costly, 'privacy'> & { readonly unit: Unit }): number | null {
  const fits = (sigma16: number) => fitsBudget(budget, { privacy: { unit, sigma16 }, local, clipping });
  return fits(SIGMA16_MAX) ? leastWhole(1, SIGMA16_MAX, fits) : null;
}

/** σ (in 2^-16) of a count that takes a twentieth of the budget of a task whose every unit counts each round. */
export function calibrateCountSigma16({ epsilonMicro, deltaPico, rounds }: TaskBudget): number {
  const cap = rhoCap(epsilonMicro, deltaPico);
  const fits = (sigma16: number) => 20n * BigInt(rounds) * countRho(sigma16) <= cap;
  return fits(SIGMA16_MAX) ? leastWhole(1, SIGMA16_MAX, fits) : SIGMA16_MAX;
}
