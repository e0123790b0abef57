import { bool, cell, type Infer, integer, limits, nullable, record, uint } from '../chain/index.js';
import { MEMBERS_MAX } from '../consensus/index.js';

/** Longest chain that anybody plans. */
export const PLANNED_HEIGHTS_MAX = 1_000_000_000_000;

/** Highest rate that genesis may set. */
export const RATE_MAX = 1_000_000;

/** What genesis fixes for the whole life of the chain. Units are in the names; see docs/genesis.md. */
export const paramsCodec = record({
  /** Heights in an era: reputation of one era takes effect two eras later. */
  eraHeights: integer(1, 1_000_000),
  /** Committee size M. */
  members: integer(1, MEMBERS_MAX),
  /** What committees are drawn to survive; null dishonest: as many as agreement bears. Asked when validators change. */
  capture: record({
    dishonest: nullable(integer(0, limits.membersMax)),
    heights: integer(1, PLANNED_HEIGHTS_MAX),
    allowUnsafe: bool,
  }),
  validatorReputation: record({ start: integer(1, 10_000), cap: integer(1, 10_000) }),
  deviceReputation: record({ start: integer(1, 10_000), cap: integer(1, 10_000) }),
  /** How levels move; the rule is docs/levels.md. `completions` 0: none rises by itself. */
  levels: record({
    highest: integer(1, limits.levelMax),
    admitted: integer(0, limits.levelMax),
    perEra: integer(1, limits.levelMax),
    completions: integer(0, 10_000),
  }),
  /** Transactions of one account: in an era of any kind, and a height of the protocol's own kinds beyond these. */
  rates: record({ perEra: integer(1, RATE_MAX), protocolPerHeight: integer(1, RATE_MAX) }),
  agreement: record({
    deadlineMs: integer(50, 600_000),
    deadlineDoublingsMax: integer(0, 16),
    deadlineCapMs: integer(50, 3_600_000),
    filterMs: integer(1, 60_000),
    heartbeatMs: integer(100, 3_600_000),
    clockDriftMs: integer(1, 600_000),
  }),
});
export type Params = Infer<typeof paramsCodec>;

/** Written by genesis, read by everyone, changed by no one. */
export const paramsCell = cell('params', paramsCodec);

/** Empty blocks in a row that end at the parent; execution's own, so that every node waits alike. */
export const emptyRunCell = cell('emptyRun', uint);
