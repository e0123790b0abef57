import { bytes, cell, type Infer, list, record, struct, uint } from '../../chain/index.js';

/** All tokens that there can be: sums of balances stay exact. */
export const SUPPLY_MAX = Number.MAX_SAFE_INTEGER;

/** Accounts that one task pays. */
export const PAID_MAX = 1_000;

/** Tokens of an account, by hex public key; absent: none. */
export const balanceCell = cell('rewards/balance', uint);

/** All tokens that genesis handed out. Balances and escrows together are this, after every block. */
export const supplyCell = cell('rewards/supply', uint);

/** What a publisher has put down for an open task, by task id; absent: nothing. */
export const escrowCell = cell('rewards/escrow', uint);

/**
 * What devices have earned in the rounds of an open training task, by task id. `rounds`: those that closed with a
 * verdict; `devices`: points, sorted by device.
 */
export const earnedCell = cell(
  'rewards/earned',
  record({ rounds: uint, devices: list(struct({ device: bytes(32), points: uint }), PAID_MAX) }),
);

/** How the reward of a task was paid, by task id: to whom, sorted, and what went back to its publisher. */
export const paidCodec = record({
  returned: uint,
  payments: list(struct({ account: bytes(32), amount: uint }), PAID_MAX),
});
export type Paid = Infer<typeof paidCodec>;
export const paidCell = cell('rewards/paid', paidCodec);
