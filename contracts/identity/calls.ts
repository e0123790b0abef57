import { bytes, type Infer, integer, limits, record, text, uint } from '../../chain/index.js';
import { memberRoleCodec } from './state.js';

/** Who shall become a validator. The hospital has no other that has a seat. */
export const addCodec = record({
  publicKey: bytes(32),
  vrfPublicKey: bytes(32),
  name: text(64),
  hospital: text(64),
});
export type AddArgs = Infer<typeof addCodec>;

/** Whose seat shall go. */
export const removeCodec = record({ publicKey: bytes(32) });
export type RemoveArgs = Infer<typeof removeCodec>;

/** The seat of `validator` goes to another key; name and hospital stay. */
export const replaceCodec = record({ validator: bytes(32), publicKey: bytes(32), vrfPublicKey: bytes(32) });
export type ReplaceArgs = Infer<typeof replaceCodec>;

/** Of an open proposal, to approve it or to reject it. */
export const voteCodec = record({ proposal: uint });
export type VoteArgs = Infer<typeof voteCodec>;

/** Who shall have an account. `possession`: the signature of `publicKey`'s holder (`signPossession`). */
export const admitCodec = record({
  publicKey: bytes(32),
  possession: bytes(64),
  role: memberRoleCodec,
  name: text(64),
  hospital: text(64),
  level: integer(0, limits.levelMax),
  area: text(64),
});
export type AdmitArgs = Infer<typeof admitCodec>;

/** An account, by its id or any of its keys: to suspend or reinstate it. */
export const ofAccountCodec = record({ account: bytes(32) });
export type OfAccountArgs = Infer<typeof ofAccountCodec>;

/** Which key an account shall have from now on; `account` as above, `possession` as for `admit`. */
export const recoverCodec = record({ account: bytes(32), publicKey: bytes(32), possession: bytes(64) });
export type RecoverArgs = Infer<typeof recoverCodec>;

/** The sender's own next key. */
export const rotateCodec = record({ publicKey: bytes(32), possession: bytes(64) });
export type RotateArgs = Infer<typeof rotateCodec>;
