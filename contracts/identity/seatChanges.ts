import { type CallScope, limits, type Refusal, refuse, type StateReader } from '../../chain/index.js';
import { eraOf } from '../../consensus/index.js';
import { equalBytes, isPublicKey } from '../../crypto/index.js';
import { paramsCell } from '../params.js';
import { accountOf, ownerOf, register } from './accounts.js';
import { endangers } from './capture.js';
import { type ChangeOf, memberCell, SEATS_MIN } from './state.js';
import { hasSeat, seatedOf, setSeat, type Validator, validatorsOf } from './validators.js';

/** A change of who has a seat: by vote alone. */
export type SeatChange = ChangeOf<'join' | 'leave' | 'replace'>;

/** Why a change cannot stand in the present state; null: it can. */
export function unfitSeat(state: StateReader, change: SeatChange): Refusal | null {
  switch (change.kind) {
    case 'join':
      return unfitToJoin(state, change) ?? unsafe(state, 1);
    case 'leave':
      return unfitToLeave(state, change) ?? unsafe(state, -1);
    case 'replace':
      return unfitToReplace(state, change);
    default:
      return change satisfies never;
  }
}

/** Takes effect; the rings show it at the era after next, this era's and the next one's were fixed before. */
export function changeSeat<C>(scope: CallScope<C>, change: SeatChange, proposal: number): void {
  const { state, block } = scope;
  const era = eraOf(block.height, paramsCell.get(state)!.eraHeights) + 2;
  const { publicKey } = change;
  switch (change.kind) {
    case 'join':
      admitValidator(scope, publicKey, change.candidate);
      setSeat(state, publicKey, 'held');
      scope.emit('added', { proposal, validator: publicKey, era });
      return;
    case 'leave':
      setSeat(state, publicKey, 'lost');
      scope.emit('removed', { proposal, validator: publicKey, era });
      return;
    case 'replace': {
      const { vrfPublicKey, validator } = change;
      const { name, hospital } = seatedAs(state, validator)!.account;
      admitValidator(scope, publicKey, { vrfPublicKey, name, hospital });
      setSeat(state, validator, 'lost');
      setSeat(state, publicKey, 'held');
      scope.emit('replaced', { proposal, validator: publicKey, before: validator, era });
      return;
    }
    default:
      change satisfies never;
  }
}

function admitValidator<C>(
  { state, block }: CallScope<C>,
  publicKey: Uint8Array,
  candidate: ChangeOf<'join'>['candidate'],
): void {
  register(state, publicKey, { role: 'validator', level: 0, area: '', ...candidate }, block.height);
}

function unsafe(state: StateReader, more: 1 | -1): Refusal | null {
  const seats = seatedOf(state).length;
  if (!endangers(state, seats, seats + more)) return null;
  return refuse(
    'unsafe-committee',
    'committees drawn from these validators could be captured, beyond the bound of genesis',
  );
}

function unfitToLeave(state: StateReader, { publicKey }: ChangeOf<'leave'>): Refusal | null {
  if (!hasSeat(state, publicKey)) return refuse('no-seat', 'this key has no seat that could go');
  if (seatedOf(state).length <= SEATS_MIN) {
    return refuse('too-few-seats', `a chain keeps at least ${SEATS_MIN} seats: add a validator first`);
  }
  return null;
}

/** The number of seats and whose hospitals they are stay, so no bound on either is asked. */
function unfitToReplace(state: StateReader, change: ChangeOf<'replace'>): Refusal | null {
  const { validator, publicKey, vrfPublicKey } = change;
  if (!hasSeat(state, validator)) return refuse('no-seat', 'this key has no seat that could go');
  if (!isPublicKey(publicKey) || !isPublicKey(vrfPublicKey)) return badKey;
  if (ownerOf(state, publicKey) !== null) {
    return refuse('key-taken', 'this key has an account, and an account’s key is its own for ever');
  }
  const all = validatorsOf(state);
  if (all.some(({ account }) => equalBytes(account.vrfPublicKey!, vrfPublicKey))) return vrfTaken;
  return all.length >= limits.membersMax ? tooMany : null;
}

function unfitToJoin(
  state: StateReader,
  { publicKey, candidate: { vrfPublicKey, name, hospital } }: ChangeOf<'join'>,
): Refusal | null {
  if (!isPublicKey(publicKey) || !isPublicKey(vrfPublicKey)) return badKey;
  if (name === '' || hospital === '') return refuse('no-name', 'a validator has a name and a hospital');
  const owner = ownerOf(state, publicKey);
  if (owner !== null && owner.account.role !== 'validator') {
    return refuse('key-taken', `this key is that of a ${owner.account.role}`);
  }
  if (hasSeat(state, publicKey)) return refuse('has-seat', 'this validator has its seat');
  const all = validatorsOf(state);
  const holder = all.find((validator) => equalBytes(validator.account.vrfPublicKey!, vrfPublicKey));
  const known = all.find((validator) => equalBytes(validator.publicKey, publicKey));
  if (holder !== known) return vrfTaken;
  const others = seatedOf(state).map((validator) => validator.account);
  if (others.some((other) => other.hospital === hospital)) {
    return refuse('hospital-taken', `${hospital} has a validator: a hospital runs one`);
  }
  if (others.some((other) => other.name === name)) {
    return refuse('name-taken', `another validator has the name ${name}`);
  }
  const namesake = memberCell.get(state, hospital, name);
  if (namesake !== null && accountOf(state, namesake.account)!.role !== 'validator') {
    return refuse('name-taken', `${hospital} has another account of the name ${name}`);
  }
  return owner === null && all.length >= limits.membersMax ? tooMany : null;
}

function seatedAs(state: StateReader, publicKey: Uint8Array): Validator | undefined {
  return seatedOf(state).find((validator) => equalBytes(validator.publicKey, publicKey));
}

const badKey = refuse('bad-key', 'a key is no Ed25519 public key (canonical, not of small order)');
const vrfTaken = refuse('key-taken', 'a validator has one VRF key for good, and shares it with nobody');
const tooMany = refuse(
  'too-many-validators',
  `a chain has at most ${limits.membersMax} validators in its life`,
);
