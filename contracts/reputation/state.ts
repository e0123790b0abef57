import { bool, bytes, cell, type Infer, limits, list, record, struct, uint } from '../../chain/index.js';

/** A validator's points: its weight in the draw. By hex public key. */
export const validatorPointsCell = cell('reputation/validator', uint);

/**
 * The running era so far: for each validator that was drawn, in how many heights whose cert votes a block carried it
 * was a member, and in how many of these its vote stands. Sorted by public key.
 */
export const presenceCell = cell(
  'reputation/presence',
  list(struct({ publicKey: bytes(32), drawn: uint, stood: uint }), limits.membersMax),
);

const standingCodec = record({ points: uint, blacklisted: bool });
export type Standing = Infer<typeof standingCodec>;

/** A device's points; at 0 it is blacklisted. By hex public key. */
export const standingCell = cell('reputation/device', standingCodec);
