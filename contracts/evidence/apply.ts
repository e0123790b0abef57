import { type CallScope, type Refusal, refuse, type StateReader } from '../../chain/index.js';
import { type Evidence, eraOf, evidenceFault, ringCell } from '../../consensus/index.js';
import { bytesToHex, equalBytes } from '../../crypto/index.js';
import { SEATS_MIN, seatedOf, seatOf, setSeat } from '../identity/index.js';
import { paramsCell } from '../params.js';
import { punishedThroughCell } from './state.js';

/**
 * An offence is proved: the seat of the accused goes, or, where that would leave fewer than four, its weight.
 *
 * Everybody who has an account may submit. The rings show it at the era after next, as every change of them.
 * Cost: two signature checks, after everything else.
 */
export function submit<C>(scope: CallScope<C>, evidence: Evidence): Refusal | null {
  const { state, block } = scope;
  const { accused, height } = evidence;
  const moot = mootness(state, block.height, evidence);
  if (moot !== null) return moot;
  scope.spend('signature');
  scope.spend('signature');
  switch (evidenceFault(block.chainId, evidence)) {
    case 'lawful':
      return refuse('no-offence', 'an honest validator may sign both of these');
    case 'bad-signature':
      return refuse('bad-signature', 'the accused did not sign both of these');
    case null:
      break;
  }
  const seat = seatedOf(state).length > SEATS_MIN ? 'lost' : 'weightless';
  setSeat(state, accused, seat);
  punishedThroughCell.set(state, block.height, bytesToHex(accused));
  const era = eraOf(block.height, paramsCell.get(state)!.eraHeights) + 2;
  scope.emit('punished', { validator: accused, height, seat, era });
  return null;
}

/**
 * Why evidence of this kind can change nothing in a block at `blockHeight`, whatever it proves; null: it may.
 *
 * The rings that the state keeps are the age window: who was on none of them at that height can't be accused.
 */
export function mootness(
  state: StateReader,
  blockHeight: number,
  { accused, height }: Pick<Evidence, 'accused' | 'height'>,
): Refusal | null {
  if (height > blockHeight) return refuse('future-height', `height ${height} is not reached yet`);
  const ring = ringCell.get(state, eraOf(height, paramsCell.get(state)!.eraHeights));
  if (ring === null) return refuse('too-old', `the ring of height ${height} is kept no more`);
  if (!ring.some(({ publicKey }) => equalBytes(publicKey, accused))) {
    return refuse('not-on-the-ring', `the accused had no seat at height ${height}`);
  }
  if ((punishedThroughCell.get(state, bytesToHex(accused)) ?? -1) >= height) {
    return refuse('already-punished', 'evidence against the accused up to a later height is on chain');
  }
  if (seatOf(state, accused) === 'lost') return refuse('no-seat', 'the accused has no seat that could go');
  return null;
}
