import {
  bytes,
  cell,
  type Infer,
  integer,
  limits,
  list,
  nullable,
  oneKindOf,
  oneOf,
  record,
  struct,
  text,
  uint,
} from '../../chain/index.js';

/** `device` trains, `provider` takes sealed tasks, `publisher` publishes tasks. */
export const roleCodec = oneOf('validator', 'device', 'provider', 'publisher');
export type Role = Infer<typeof roleCodec>;

const level = integer(0, limits.levelMax);

/** What may be admitted: a validator joins, which is another change. */
export const memberRoleCodec = oneOf('device', 'provider', 'publisher');

/** Most accounts of genesis, and of one hospital at any time. */
export const ACCOUNTS_MAX = 10_000;
/** Keys of one account in its life. */
export const KEYS_MAX = 256;
/** Levels that one call sets. */
export const LEVELS_EACH_MAX = 512;
/** Reports of leaks that are open at once, on the chain and of one hospital's publishers. */
export const REPORTS_OPEN_MAX = 1_024;
export const REPORTS_EACH_MAX = 4;
/** Rejected reports after which a publisher is suspended. */
export const STRIKES_MAX = 3;

/** What genesis says of an account. */
export const genesisAccountCodec = record({
  role: roleCodec,
  name: text(64),
  /** The hospital that answers for this account; none: the validators do. */
  hospital: text(64),
  level,
  area: text(64),
  vrfPublicKey: nullable(bytes(32)),
});
export type GenesisAccount = Infer<typeof genesisAccountCodec>;

/** A suspended account's transactions stand in no block, and no round waits for it. */
export const accountCodec = record({
  role: roleCodec,
  name: text(64),
  hospital: text(64),
  level,
  area: text(64),
  vrfPublicKey: nullable(bytes(32)),
  /** The one key that signs for the account now: its id, until it is changed. */
  publicKey: bytes(32),
  /** Keys that the account has had, this one included. */
  keys: integer(1, KEYS_MAX),
  status: oneOf('active', 'suspended'),
  /** Height of the block that changed this entry last, 0: genesis. The event there names the change before it. */
  changedHeight: uint,
});
export type Account = Infer<typeof accountCodec>;

/**
 * By the account's id in hex: its first public key, for good. What other contracts keep of an account is named by the
 * id, so that it stays where it is when the key changes.
 */
export const accountCell = cell('identity/account', accountCodec);

/** Whose a later key is or was: the account's id, by hex public key. A key belongs to one account for ever. */
export const keyCell = cell('identity/key', bytes(32));

/** The accounts of a hospital: how many, and the name of the one that was admitted last. By hospital. */
export const membersCell = cell('identity/members', record({ count: uint, newest: text(64) }));

/** An account of a hospital and the name of the one before it, by hospital and name: names are unique in a hospital. */
export const memberCell = cell('identity/member', record({ account: bytes(32), before: nullable(text(64)) }));

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

/** What a hospital decides of its own accounts, and more than two thirds of the validators of anybody's. */
export const changeCodec = oneKindOf({
  /** A validator joins. */
  join: {
    publicKey: bytes(32),
    candidate: record({ vrfPublicKey: bytes(32), name: text(64), hospital: text(64) }),
  },
  /** A validator's seat goes. */
  leave: { publicKey: bytes(32) },
  /** A hospital's seat goes from one key to another. */
  replace: { validator: bytes(32), publicKey: bytes(32), vrfPublicKey: bytes(32) },
  admit: {
    publicKey: bytes(32),
    candidate: record({ role: memberRoleCodec, name: text(64), hospital: text(64), level, area: text(64) }),
  },
  suspend: { account: bytes(32) },
  reinstate: { account: bytes(32) },
  /** The account's key is lost or stolen: it gets another one. */
  recover: { account: bytes(32), publicKey: bytes(32) },
  levels: { entries: list(struct({ account: bytes(32), level }), LEVELS_EACH_MAX) },
  /** `task` leaked through this account, says the proposal's proposer. */
  leak: { account: bytes(32), task: uint, evidence: bytes(32) },
});
export type Change = Infer<typeof changeCodec>;
export type ChangeOf<K extends Change['kind']> = Extract<Change, { readonly kind: K }>;

/** A change that waits for approvals. */
export const proposalCodec = record({
  id: uint,
  change: changeCodec,
  /** A validator; of a leak the publisher that reports it. */
  proposer: bytes(32),
  /** Sorted; each by its key, as are rejections. */
  approvals: list(bytes(32), limits.membersMax),
  rejections: list(bytes(32), limits.membersMax),
  /** Block time; from then on it is gone. */
  expiresAt: uint,
});
export type Proposal = Infer<typeof proposalCodec>;

/** By id. */
export const proposalCell = cell('identity/proposal', proposalCodec);

/** Ids of the open proposals, ascending: the oldest expires first. */
export const openProposalsCell = cell(
  'identity/openProposals',
  list(uint, PROPOSALS_EACH_MAX * limits.membersMax + REPORTS_OPEN_MAX),
);

/** Id of the next proposal; ids are never used again. */
export const nextProposalCell = cell('identity/nextProposal', uint);

/** Why a level changed. */
export const causeCodec = oneOf('completion', 'leak', 'authority');
export type LevelCause = Infer<typeof causeCodec>;

/** Changes that the state keeps of one account; older ones stand in the blocks' receipts. */
export const LEVEL_CHANGES_KEPT = 32;

/** How an account's level has moved. Absent: it never has, and nothing was completed. The level is in the account. */
export const levelRecordCodec = record({
  /** Tasks completed at this level since it changed last. */
  completed: uint,
  /** The era of the last change, and the level that it began with: the bound of an era is counted from it. */
  era: uint,
  base: level,
  /** Changes ever. */
  total: uint,
  /** The newest ones, oldest first. */
  changes: list(struct({ height: uint, from: level, to: level, cause: causeCodec }), LEVEL_CHANGES_KEPT),
});
export type LevelRecord = Infer<typeof levelRecordCodec>;

/** By the account's id in hex. */
export const levelRecordCell = cell('identity/levels', levelRecordCodec);

/** Reports of a publisher that the validators rejected since it was last reinstated. By its id in hex. */
export const strikesCell = cell('identity/strikes', integer(0, STRIKES_MAX));
