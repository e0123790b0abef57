import { bytes, type Infer, record, text, uint } from '../../chain/index.js';

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

export const approveCodec = record({ proposal: uint });
export type ApproveArgs = Infer<typeof approveCodec>;
