import {
  bytes,
  cell,
  type Infer,
  integer,
  limits,
  list,
  nullable,
  oneOf,
  record,
  struct,
  text,
  uint,
} from '../../chain/index.js';

export const accountCodec = record({
  role: oneOf('validator', 'device', 'publisher'),
  name: text(64),
  /** The hospital that answers for this account. */
  hospital: text(64),
  level: integer(0, limits.levelMax),
  vrfPublicKey: nullable(bytes(32)),
});
export type Account = Infer<typeof accountCodec>;

export const ACCOUNTS_MAX = 10_000;

/** By hex public key. */
export const accountCell = cell('identity/account', accountCodec);

/**
 * What a validator's seat is. `held`: on the ring with its reputation as weight. `weightless`: on the ring with
 * weight 0, by evidence where a seat less would leave fewer than `SEATS_MIN`. `lost`: on no ring that is made from
 * now on; the account stays, and may follow the chain.
 */
export const seatCodec = oneOf('held', 'weightless', 'lost');
export type Seat = Infer<typeof seatCodec>;

/** With fewer than four seats one dishonest validator is too many (f = 0): no change goes below. */
export const SEATS_MIN = 4;

/**
 * Every validator that there ever was, sorted by public key: who has a seat *in identity*. The rings follow with
 * their lag (consensus/ring.ts).
 */
export const validatorsCell = cell(
  'identity/validators',
  list(struct({ publicKey: bytes(32), seat: seatCodec }), limits.membersMax),
);

/** How long a proposed change may gather approvals, in milliseconds of block time: a week. */
export const PROPOSAL_MS = 7 * 24 * 3_600_000;

/** Open proposals of one validator. */
export const PROPOSALS_EACH_MAX = 4;

/** A change of the validators that waits for approvals. `candidate`: who joins; null: `publicKey` leaves. */
export const proposalCodec = record({
  id: uint,
  publicKey: bytes(32),
  candidate: nullable(record({ vrfPublicKey: bytes(32), name: text(64), hospital: text(64) })),
  proposer: bytes(32),
  /** Sorted; the proposer's own is the first to come. */
  approvals: list(bytes(32), limits.membersMax),
  /** Block time; from then on it is gone. */
  expiresAt: uint,
});
export type Proposal = Infer<typeof proposalCodec>;

/** By id. */
export const proposalCell = cell('identity/proposal', proposalCodec);

/** Ids of the open proposals, ascending: the oldest expires first. */
export const openProposalsCell = cell(
  'identity/openProposals',
  list(uint, PROPOSALS_EACH_MAX * limits.membersMax),
);

/** Id of the next proposal; ids are never used again. */
export const nextProposalCell = cell('identity/nextProposal', uint);
