import { type Infer, integer, limits, record } from '../../chain/index.js';

/** Transactions of this level wait, and blocks of others pass them by. */
export const claimCodec = record({ level: integer(1, limits.levelMax) });
export type ClaimArgs = Infer<typeof claimCodec>;
