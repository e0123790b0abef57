import { bytes, type Infer, integer, limits, list, record } from '../../chain/index.js';
import { LEVELS_EACH_MAX } from '../identity/index.js';

/** Which level each of these accounts shall have; by id or any of its keys. */
export const setCodec = record({
  entries: list(record({ account: bytes(32), level: integer(0, limits.levelMax) }), LEVELS_EACH_MAX),
});
export type SetArgs = Infer<typeof setCodec>;

/**
 * The publisher of a task says that its content leaked through this account. `evidence`: SHA-256 of what it shows the
 * validators, off chain; what leaked is not published here again.
 */
export const reportCodec = record({
  task: integer(1, Number.MAX_SAFE_INTEGER),
  account: bytes(32),
  evidence: bytes(32),
});
export type ReportArgs = Infer<typeof reportCodec>;
