import { bytes, cell, type Infer, integer, limits, list, struct, uint } from '../../chain/index.js';

/**
 * So many heights a level stays owed, each of whose leaders may serve it. With a third of the leaders dishonest all
 * sixteen are in one case of 4 x 10^7.
 */
export const OWED_HEIGHTS = 16;

/** A claim that nobody served keeps its validator from claiming: `OWED_HEIGHTS`, doubled with each one, at most so often. */
export const DOUBLINGS_MAX = 12;

const levelCodec = integer(1, limits.levelMax);

/**
 * Blocks that held task transactions so far, and for each level the number of its last one. The longest ago comes
 * first.
 */
export const turnsCell = cell(
  'turns/used',
  struct({ blocks: uint, used: list(struct({ level: levelCodec, at: uint }), limits.levelMax) }),
);
export type Turns = NonNullable<ReturnType<typeof turnsCell.get>>;

const claimCodec = struct({
  level: levelCodec,
  /** The validator whose claim it is. */
  by: bytes(32),
  /** Task blocks that there were when it was made. */
  after: uint,
  /** The last height at which it counts. */
  until: uint,
});
export type Claim = Infer<typeof claimCodec>;

/** Levels that are owed a block, the oldest claim first; one claim a level. */
export const owedCell = cell('turns/owed', list(claimCodec, limits.levelMax));

/** By hex key of a validator: its claims that nobody served, and from which height on it may claim again. */
export const unservedCell = cell('turns/unserved', struct({ claims: uint, from: uint }));
