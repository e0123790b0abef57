/** `consilium/keystore`: for programs on Node. Keys don't rest in a page, so browsers have no counterpart. */
import { openKeystore } from '../../crypto/index.js';

/** The signing key in a keystore file (its parsed JSON). Throws RangeError: no keystore, or not its password. */
export function readSigningKey(keystore: unknown, password: string): Uint8Array {
  const opened = openKeystore(keystore, password);
  if (!opened.ok) throw new RangeError(`the keystore cannot be opened: ${opened.reason}`);
  const { sign } = opened.secrets;
  if (sign === undefined) throw new RangeError('the keystore has no signing key');
  return sign;
}
