import { type CallScope, type Refusal, refuse, type StateAccess } from '../../chain/index.js';
import { bytesToHex } from '../../crypto/index.js';
import { rhoCap } from '../../fl/index.js';
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
  const declared = (declaredCell.get(scope.state, device) ?? 0) + 1;
  if (declared > DATASETS_MAX)
    return refuse('too-many-datasets', `a device declares at most ${DATASETS_MAX}`);
  declaredCell.set(scope.state, declared, device);
  const { unit, epsilonMicro, deltaPico } = args;
  const cap = rhoCap(epsilonMicro, deltaPico);
  ledgerCell.set(
    scope.state,
    { unit, epsilonMicro, deltaPico, rhoCap: cap, rhoSpent: 0n, charges: 0 },
    device,
    dataset,
  );
  scope.emit('declared', { device: scope.sender, dataset: args.dataset, epsilonMicro, deltaPico });
  return null;
}

/**
 * Charges `rho` (2^-40) to a dataset's ledger: a privacy filter with fixed δ.
 *
 * A charge that would overdraw changes nothing and is refused. Without a declaration nothing is free: refused.
 */
export function charge(state: StateAccess, device: string, dataset: string, rho: bigint): Refusal | null {
  const ledger = ledgerCell.get(state, device, dataset);
  if (ledger === null)
    return refuse('undeclared-dataset', 'declare the dataset and its budget first (privacy.declare)');
  const rhoSpent = ledger.rhoSpent + rho;
  if (rhoSpent > ledger.rhoCap) {
    return refuse(
      'budget-exhausted',
      'this round would overdraw the privacy budget declared for the dataset',
    );
  }
  ledgerCell.set(state, { ...ledger, rhoSpent, charges: ledger.charges + 1 }, device, dataset);
  return null;
}
