import { bool, cell, type Infer, record, uint } from '../../chain/index.js';

/** A validator's points: its weight in the draw. By hex public key. */
export const validatorPointsCell = cell('reputation/validator', uint);

/** In how many blocks of the running era a validator's vote for the parent stood. By hex public key. */
export const participationCell = cell('reputation/participation', uint);

/** Blocks of the running era that carried votes at all. */
export const votedBlocksCell = cell('reputation/votedBlocks', uint);

const standingCodec = record({ points: uint, blacklisted: bool });
export type Standing = Infer<typeof standingCodec>;

/** A device's points; at 0 it is blacklisted. By hex public key. */
export const standingCell = cell('reputation/device', standingCodec);
