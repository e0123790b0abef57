import { DecodeError, fromNode, type StateReader, type Transaction } from '../../chain/index.js';
import {
  type ClosedRound,
  closedRoundCell,
  DATASETS_MAX,
  declaredCell,
  type Ledger,
  ledgerCell,
  type UpdateArgs,
  updateArgsCodec,
} from '../../contracts/index.js';
import { bytesToHex } from '../../crypto/index.js';

/*
 * Which keys to ask a node for, and what contracts say with the values once they are proved (claims.ts).
 */

/** What a device's ledgers say. `complete`: all that it ever declared are among them. */
export interface Budget {
  readonly declared: number;
  readonly ledgers: readonly { readonly dataset: string; readonly ledger: Ledger }[];
  readonly complete: boolean;
}

/** Keys for `budgetOf`. `device` and `datasets`: hex, no dataset twice; at most 64 of them. */
export function budgetKeys(device: string, datasets: readonly string[]): readonly string[] {
  const asked = datasets.slice(0, DATASETS_MAX);
  return [declaredCell.key(device), ...asked.map((dataset) => ledgerCell.key(device, dataset))];
}

export function budgetOf(state: StateReader, device: string, datasets: readonly string[]): Budget {
  const declared = declaredCell.get(state, device) ?? 0;
  const ledgers = datasets.slice(0, DATASETS_MAX).flatMap((dataset) => {
    const ledger = ledgerCell.get(state, device, dataset);
    return ledger === null ? [] : [{ dataset, ledger }];
  });
  return { declared, ledgers, complete: ledgers.length === declared };
}

export const roundKey = (task: number, round: number): string => closedRoundCell.key(task, round);

/** How a round ended, or null: it has not. `weights.id` names the model. */
export function roundOf(state: StateReader, task: number, round: number): ClosedRound | null {
  return closedRoundCell.get(state, task, round);
}

/** What a closed round says of one device (32 bytes), or null: it holds no update of this device. */
export function verdictOf(closed: ClosedRound, device: Uint8Array): ClosedRound['verdicts'][number] | null {
  const wanted = bytesToHex(device);
  return closed.verdicts.find((verdict) => bytesToHex(verdict.device) === wanted) ?? null;
}

/** Which round of which task a transaction's update is for; null: it is no update. */
export function updateIn({ contract, method, args }: Transaction): UpdateArgs | null {
  if (contract !== 'training' || method !== 'update') return null;
  try {
    return fromNode(updateArgsCodec, args, 'args');
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}
