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
  text,
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

/** All accounts, sorted by public key. */
export const accountsCell = cell('identity/accounts', list(bytes(32), ACCOUNTS_MAX));
