import { type LocalWork, RATE_ALL, releasesOf } from '../local/index.js';
import {
  bisect,
  type ClippingChoice,
  chargeFactor,
  countRho,
  countSigmaOf,
  LEDGER_ORDERS,
  leastWhole,
  renyiCap,
  renyiCost,
  rhoCap,
  roundRho,
  SIGMA16_MAX,
  type Unit,
  withCount,
} from '../privacy/index.js';

/** What of a task says how much a round costs. */
export interface Costly {
  readonly privacy: { readonly unit: Unit; readonly sigma16: number };
  readonly local: LocalWork;
  readonly clipping: ClippingChoice;
}

/**
 * How a ledger counts: for which unit, and in what.
 *
 * order null: ρ of zero-concentrated privacy. Else the Rényi divergence of that order, divided by it: of a round in
 *   which every unit counts that is the same ρ, of one that draws units in secret less. Both in 2^-40.
 */
export interface LedgerKind {
  readonly unit: Unit;
  readonly order: number | null;
}

/**
 * ρ in 2^-40 of one update in which every unit counts: each of its noised steps, and the noised count if it carries one.
 * 0 without noise. The same for every threshold: noise is measured against it.
 */
export function updateRho({ privacy, local, clipping }: Costly): bigint {
  const { sigma16 } = privacy;
  if (sigma16 === 0) return 0n;
  const countSigma16 = countSigmaOf(clipping);
  const count = countSigma16 === null ? 0n : countRho(countSigma16);
  return BigInt(releasesOf(local)) * roundRho(sigma16) + count;
}

/**
 * What one update costs a ledger, in its own measure, rounded up; null: that ledger can't bound what such a task tells.
 * Contract, node and device ask this one function.
 *
 * A ledger without an order, or for another unit than the task's, counts drawn units as if every one were: what is drawn
 *   tells no more than what isn't (both divergences are jointly quasi-convex).
 * Cost: of drawn units some ms the first time, remembered afterwards.
 */
export function ledgerCost({ unit, order }: LedgerKind, task: Costly): bigint | null {
  const factor = chargeFactor(unit, task.privacy.unit);
  if (factor === null) return null;
  const all = factor * updateRho(task);
  const { rate32 } = task.local;
  if (order === null || rate32 === RATE_ALL || factor !== 1n || task.privacy.sigma16 === 0) return all;
  const drawn = drawnCost(order, task);
  return drawn < all ? drawn : all;
}

/** Each step draws anew. The count is of the first step's sample, so the two are one release with more of a signal. */
function drawnCost(order: number, { privacy, local, clipping }: Costly): bigint {
  const { sigma16 } = privacy;
  const countSigma16 = countSigmaOf(clipping);
  const first = countSigma16 === null ? sigma16 : withCount(sigma16, countSigma16);
  const others = BigInt(releasesOf(local) - 1);
  const cost =
    renyiCost(order, first, local.rate32) +
    (others === 0n ? 0n : others * renyiCost(order, sigma16, local.rate32));
  return (cost + BigInt(order) - 1n) / BigInt(order);
}

/** The most that a ledger may hold, in its own measure, rounded down; null: this order can't keep ε and δ at all. */
export function ledgerCap(order: number | null, epsilonMicro: number, deltaPico: number): bigint | null {
  if (order === null) return rhoCap(epsilonMicro, deltaPico);
  const cap = renyiCap(order, epsilonMicro, deltaPico);
  return cap === null ? null : cap / BigInt(order);
}

/** What all rounds of a task may cost together. ε in 1e-6, δ in 1e-12. */
export interface TaskBudget {
  readonly epsilonMicro: number;
  readonly deltaPico: number;
  readonly rounds: number;
}

/**
 * Do all rounds of a task keep its ε and δ, counted by some ledger for its unit? What is refused at publication if they
 * don't. Cost: as `rhoCap`; where units are drawn some tenths of a second.
 */
export function fitsBudget(budget: TaskBudget, task: Costly): boolean {
  return ordersOf(task).some((order) => roundsWithin(order, budget, task) >= BigInt(budget.rounds));
}

/** The order under which most rounds of a task fit a budget: what a ledger should name that is declared for it. */
export function ledgerOrderFor(budget: Omit<TaskBudget, 'rounds'>, task: Costly): number | null {
  let best: { readonly order: number | null; readonly rounds: bigint } = { order: null, rounds: -1n };
  for (const order of ordersOf(task)) {
    const rounds = roundsWithin(order, budget, task);
    if (rounds > best.rounds) best = { order, rounds };
  }
  return best.order;
}

function ordersOf({ local }: Costly): readonly (number | null)[] {
  return local.rate32 === RATE_ALL ? [null] : [null, ...LEDGER_ORDERS];
}

function roundsWithin(
  order: number | null,
  { epsilonMicro, deltaPico }: Omit<TaskBudget, 'rounds'>,
  task: Costly,
): bigint {
  const cap = ledgerCap(order, epsilonMicro, deltaPico);
  const cost = ledgerCost({ unit: task.privacy.unit, order }, task)!;
  return cap === null ? 0n : cap / cost;
}

/**
 * The least σ (in 2^-16) with which a task fits its budget; null: the count alone takes too much, or no σ does. Where
 * units are drawn at most 1/4096 above the least. Cost: as `fitsBudget`, some thirty times at most.
 */
export function calibrateUpdateSigma16({
  unit,
  local,
  clipping,
  ...budget
}: TaskBudget & Omit<Costly, 'privacy'> & { readonly unit: Unit }): number | null {
  const fits = (sigma16: number) => fitsBudget(budget, { privacy: { unit, sigma16 }, local, clipping });
  if (!fits(SIGMA16_MAX)) return null;
  if (local.rate32 === RATE_ALL) return leastWhole(1, SIGMA16_MAX, fits);
  return bisect(0, SIGMA16_MAX, 1 / 4096, fits);
}

/** σ (in 2^-16) of a count that takes a twentieth of the budget of a task whose every unit counts each round. */
export function calibrateCountSigma16({ epsilonMicro, deltaPico, rounds }: TaskBudget): number {
  const cap = rhoCap(epsilonMicro, deltaPico);
  const fits = (sigma16: number) => 20n * BigInt(rounds) * countRho(sigma16) <= cap;
  return fits(SIGMA16_MAX) ? leastWhole(1, SIGMA16_MAX, fits) : SIGMA16_MAX;
}
