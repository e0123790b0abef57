import { bytes, encode, type Infer, tagged, text } from '../../chain/index.js';
import { sign, verifySignature } from '../../crypto/index.js';

const possessionCodec = tagged('consilium/key', 1, {
  /** The account that the key shall sign for; for a new one the key itself. */
  account: bytes(32),
  hospital: text(64),
  publicKey: bytes(32),
});
export type Possession = Omit<Infer<typeof possessionCodec>, 'chainId'>;

/**
 * Who holds a key says that it shall sign for this account of this hospital: so nobody can register a stranger's key,
 * and no hospital can take over what was signed for another.
 */
export function signPossession(chainId: Uint8Array, said: Possession, secret: Uint8Array): Uint8Array {
  return sign(secret, encode(possessionCodec, { ...said, chainId }));
}

export function verifyPossession(chainId: Uint8Array, said: Possession, signature: Uint8Array): boolean {
  return verifySignature(said.publicKey, encode(possessionCodec, { ...said, chainId }), signature);
}
