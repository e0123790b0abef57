import type { StateAccess, StateReader } from '../../chain/index.js';
import { bytesToHex, compareBytes, equalBytes } from '../../crypto/index.js';
import { type Account, accountCell, type Seat, validatorsCell } from './state.js';

/** A validator with its account. */
export interface Validator {
  readonly publicKey: Uint8Array;
  readonly seat: Seat;
  readonly account: Account;
}

/** Every validator that there ever was, sorted by public key. Cost: one look-up a validator. */
export function validatorsOf(state: StateReader): readonly Validator[] {
  return (validatorsCell.get(state) ?? []).map((entry) => ({
    ...entry,
    account: accountCell.get(state, bytesToHex(entry.publicKey))!,
  }));
}

/** Those who have a seat in identity, weightless ones included; sorted by public key. */
export function seatedOf(state: StateReader): readonly Validator[] {
  return validatorsOf(state).filter(({ seat }) => seat !== 'lost');
}

/** The seat of a validator in identity; null for a key that never had one. */
export function seatOf(state: StateReader, publicKey: Uint8Array): Seat | null {
  return (
    (validatorsCell.get(state) ?? []).find((entry) => equalBytes(entry.publicKey, publicKey))?.seat ?? null
  );
}

/** The validator of a hospital, or null. A hospital runs one. */
export function validatorOf(state: StateReader, hospital: string): Uint8Array | null {
  return seatedOf(state).find(({ account }) => account.hospital === hospital)?.publicKey ?? null;
}

/** Has this key a seat in identity, a weightless one included? */
export function hasSeat(state: StateReader, publicKey: Uint8Array): boolean {
  const seat = seatOf(state, publicKey);
  return seat !== null && seat !== 'lost';
}

/** Gives a validator this seat, an unknown one too; its account has to be there. */
export function setSeat(state: StateAccess, publicKey: Uint8Array, seat: Seat): void {
  const others = (validatorsCell.get(state) ?? []).filter((entry) => !equalBytes(entry.publicKey, publicKey));
  const next = [...others, { publicKey, seat }].sort((a, b) => compareBytes(a.publicKey, b.publicKey));
  validatorsCell.set(state, next);
}
