import { type Infer, integer, record } from '../../chain/index.js';

/** A device's update for a round; the packed bytes are the transaction's one payload. */
export const updateArgsCodec = record({
  task: integer(1, Number.MAX_SAFE_INTEGER),
  round: integer(1, 1_000_000),
});
export type UpdateArgs = Infer<typeof updateArgsCodec>;
