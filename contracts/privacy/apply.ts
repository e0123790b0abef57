import {
  type CallScope,
  type Refusal,
  refuse,
  type StateAccess,
  type StateReader,
} from '../../chain/index.js';
import { bytesToHex } from '../../crypto/index.js';
import { LEDGER_ORDERS, ledgerCap } from '../../fl/index.js';
import { accountOf } from '../identity/index.js';
import type { Declare } from './calls.js';
import { DATASETS_MAX, declaredCell, ledgerCell } from './state.js';

export function declare<C>(scope: CallScope<C>, args: Declare): Refusal | null {
  const device = bytesToHex(scope.sender);
  if (accountOf(scope.state, scope.sender)?.role !== 'device') {
    return refuse('not-a-device', 'only a device declares datasets');
  }
  const dataset = bytesToHex(args.dataset);
  if (ledgerCell.get(scope.state, device, dataset) !== null) {
    return refuse(
      'already-declared',
      'this dataset has its budget; a budget is declared once and cannot change',
    );
  }
  const { unit, epsilonMicro, deltaPico, order } = args;
  if (order !== null && !LEDGER_ORDERS.includes(order))
    return refuse('order-unfit', `no ledger counts at order ${order}: 2 to 64, 128 and 256 there are`);
  scope.spend('accountant');
  const cap = ledgerCap(order, epsilonMicro, deltaPico);
  if (cap === null)
    return refuse('order-unfit', `no divergence of order ${order} keeps this ε at this δ: take a higher one`);
  const declared = (declaredCell.get(scope.state, device) ?? 0) + 1;
  if (declared > DATASETS_MAX)
    return refuse('too-many-datasets', `a device declares at most ${DATASETS_MAX}`);
  declaredCell.set(scope.state, declared, device);
  ledgerCell.set(
    scope.state,
    { unit, epsilonMicro, deltaPico, order, rhoCap: cap, rhoSpent: 0n, charges: 0 },
    device,
    dataset,
  );
  scope.emit('declared', { device: scope.sender, dataset: args.dataset, epsilonMicro, deltaPico });
  return null;
}

/**
 * Charges `rho` (2^-40) to a dataset's ledger, for something that a block has published: a privacy filter with fixed δ.
 *
 * What would overdraw is refused, and takes all that is left: the release is in the block all the same, so nothing may
 *   follow it. Without a declaration nothing is free: refused.
 * Write it where it stays when the call is refused (`kept`). Source of the filter at fixed ρ: Feldman and Zrnic 2021,
 *   arXiv:2008.11193; with the Gaussian curve: Smith and Thakurta 2022, arXiv:2202.10209.
 */
export function charge(state: StateAccess, device: string, dataset: string, rho: bigint): Refusal | null {
  const ledger = ledgerCell.get(state, device, dataset);
  if (ledger === null)
    return refuse('undeclared-dataset', 'declare the dataset and its budget first (privacy.declare)');
  const within = ledger.rhoSpent + rho <= ledger.rhoCap;
  const rhoSpent = within ? ledger.rhoSpent + rho : ledger.rhoCap;
  ledgerCell.set(state, { ...ledger, rhoSpent, charges: ledger.charges + 1 }, device, dataset);
  return within ? null : overdraws;
}

const overdraws = refuse(
  'budget-exhausted',
  'this update overdraws the privacy budget declared for the dataset: nothing is left of it',
);

/** Would this charge overdraw, or is there no ledger? What a node asks before it passes an update on. */
export function canCharge(state: StateReader, device: string, dataset: string, rho: bigint): boolean {
  const ledger = ledgerCell.get(state, device, dataset);
  return ledger !== null && ledger.rhoSpent + rho <= ledger.rhoCap;
}
