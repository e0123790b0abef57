import { bytes, type Infer, integer, record } from '../../chain/index.js';
import { SUPPLY_MAX } from './state.js';

/** Tokens to another account. */
export const transferCodec = record({ to: bytes(32), amount: integer(1, SUPPLY_MAX) });
export type Transfer = Infer<typeof transferCodec>;
