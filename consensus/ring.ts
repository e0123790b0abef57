import {
  bytes,
  cell,
  integer,
  limits,
  list,
  record,
  type StateAccess,
  type StateReader,
} from '../chain/index.js';
import type { RingSeat } from './committee.js';

const seatCodec = record({ publicKey: bytes(32), vrfPublicKey: bytes(32), weight: integer(0, 1_000_000) });

/** As the state holds a ring and as light clients are given it; sorted by public key. */
export const ringCodec = list(seatCodec, limits.membersMax);

/** The ring that an era's committees are drawn from, by era. */
export const ringCell = cell('consensus/ring', ringCodec);

/**
 * Eras before the running one whose rings the state keeps: the age window of evidence, which is checked against the
 * ring of its height. An offence can be punished until the end of the 16th era after its own.
 */
export const RING_ERAS_KEPT = 16;

/** Era of a height: era 0 begins with genesis. */
export function eraOf(height: number, eraHeights: number): number {
  return Math.floor(height / eraHeights);
}

/**
 * The ring that draws the committee of `height`, read from the state after its parent.
 *
 * It was fixed by the state at the end of the era before the previous one, so that nobody who chooses
 * transactions now chooses the committees of this era.
 */
export function ringAt(state: StateReader, height: number, eraHeights: number): readonly RingSeat[] {
  const era = eraOf(height, eraHeights);
  // The first block of an era writes the ring of the next one, so the ring of the height after a tip is always there.
  const ring = ringCell.get(state, era);
  if (ring === null) throw new Error(`bug: no ring for era ${era}`);
  return ring;
}

/**
 * Fixes the ring of the era after `era`, at the first block of `era`: from what the state says at the end of the era
 * before. Forgets the ring that has left the window.
 */
export function writeNextRing(state: StateAccess, era: number, ring: readonly RingSeat[]): void {
  ringCell.set(state, ring, era + 1);
  if (era > RING_ERAS_KEPT) ringCell.remove(state, era - RING_ERAS_KEPT - 1);
}
