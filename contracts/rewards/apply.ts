import { strict as assert } from 'node:assert';
import {
  type CallScope,
  type Refusal,
  refuse,
  type Scope,
  type StateAccess,
  type StateReader,
} from '../../chain/index.js';
import { bytesToHex, compareBytes, equalBytes } from '../../crypto/index.js';
import { ownerOf } from '../identity/index.js';
import type { Transfer } from './calls.js';
import { balanceCell, earnedCell, escrowCell, type Paid, paidCell } from './state.js';

/**
 * What an update earns for each unit that its device enrolled with. A qualified one was useful, by the task's own
 * rule; one that a rule refused by rank alone was there, and nothing was found against it; any other earns nothing.
 */
export const POINTS = { qualified: 4, present: 1 } as const;

export function balanceOf(state: StateReader, account: Uint8Array): number {
  return balanceCell.get(state, bytesToHex(account)) ?? 0;
}

/** `key`: any that the account has had, so that tokens reach it under an old one, too. */
export function transfer<C>(scope: CallScope<C>, { to: key, amount }: Transfer): Refusal | null {
  const { state, sender } = scope;
  const to = ownerOf(state, key)?.id;
  if (to === undefined) return refuse('unknown-account', 'there is no account with this key');
  if (equalBytes(to, sender)) return refuse('to-oneself', 'an account cannot send tokens to itself');
  const refusal = take(state, sender, amount);
  if (refusal !== null) return refusal;
  give(state, to, amount);
  scope.emit('transferred', { from: sender, to, amount });
  return null;
}

/** Puts a task's reward down at its publication. Refused without the balance; then nothing has changed. */
export function escrow(
  state: StateAccess,
  task: number,
  publisher: Uint8Array,
  reward: number,
): Refusal | null {
  if (reward === 0) return null;
  const refusal = take(state, publisher, reward);
  if (refusal === null) escrowCell.set(state, reward, task);
  return refusal;
}

/** Notes who earned what in a round that closed with a verdict. `devices` are sorted. Free tasks keep no count. */
export function noteRound(
  state: StateAccess,
  task: number,
  devices: readonly { readonly device: Uint8Array; readonly points: number }[],
): void {
  if (escrowCell.get(state, task) === null) return;
  const before = earnedCell.get(state, task) ?? { rounds: 0, devices: [] };
  const sums = new Map(before.devices.map(({ device, points }) => [bytesToHex(device), { device, points }]));
  for (const { device, points } of devices) {
    const sum = sums.get(bytesToHex(device))?.points ?? 0;
    sums.set(bytesToHex(device), { device, points: sum + points });
  }
  const sorted = [...sums.values()].sort((a, b) => compareBytes(a.device, b.device));
  earnedCell.set(state, { rounds: before.rounds + 1, devices: sorted }, task);
}

/**
 * Pays a training task that ends: of its reward as many T-th parts as rounds closed with a verdict, by points.
 *
 * Every quotient is rounded down: the pot ⌊reward · rounds / T⌋, each share ⌊pot · points / all points⌋. What is left
 * over, fewer tokens than there are devices and one more, goes back to the publisher with the rest.
 */
export function payByPoints<C>(scope: Scope<C>, task: number, publisher: Uint8Array, rounds: number): void {
  const earned = earnedCell.get(scope.state, task) ?? { rounds: 0, devices: [] };
  const all = earned.devices.reduce((sum, { points }) => sum + points, 0);
  earnedCell.remove(scope.state, task);
  settle(scope, task, publisher, (reward) => {
    const pot = (BigInt(reward) * BigInt(earned.rounds)) / BigInt(rounds);
    return earned.devices.map(({ device, points }) => ({
      account: device,
      amount: all === 0 ? 0 : Number((pot * BigInt(points)) / BigInt(all)),
    }));
  });
}

/** Pays a content task that ends: ⌊reward / places⌋ to each of these accounts, sorted; the rest goes back. */
export function payEach<C>(
  scope: Scope<C>,
  task: number,
  publisher: Uint8Array,
  places: number,
  accounts: readonly Uint8Array[],
): void {
  assert.ok(accounts.length <= places, 'as many places as are paid');
  settle(scope, task, publisher, (reward) =>
    accounts.map((account) => ({ account, amount: Math.floor(reward / places) })),
  );
}

function settle<C>(
  scope: Scope<C>,
  task: number,
  publisher: Uint8Array,
  shares: (reward: number) => Paid['payments'],
): void {
  const { state } = scope;
  const reward = escrowCell.get(state, task);
  if (reward === null) return;
  const payments = shares(reward).filter(({ amount }) => amount > 0);
  const paid = payments.reduce((sum, { amount }) => sum + amount, 0);
  const returned = reward - paid;
  assert.ok(returned >= 0, 'no more is paid than was put down');
  escrowCell.remove(state, task);
  for (const { account, amount } of payments) give(state, account, amount);
  give(state, publisher, returned);
  paidCell.set(state, { returned, payments }, task);
  scope.emit('paid', { task, accounts: payments.length, paid, returned });
}

function take(state: StateAccess, account: Uint8Array, amount: number): Refusal | null {
  const balance = balanceOf(state, account);
  if (balance < amount)
    return refuse('no-balance', `this account has ${balance} tokens, and ${amount} are needed`);
  setBalance(state, account, balance - amount);
  return null;
}

function give(state: StateAccess, account: Uint8Array, amount: number): void {
  if (amount > 0) setBalance(state, account, balanceOf(state, account) + amount);
}

function setBalance(state: StateAccess, account: Uint8Array, amount: number): void {
  if (amount === 0) balanceCell.remove(state, bytesToHex(account));
  else balanceCell.set(state, amount, bytesToHex(account));
}
