import { dirname, join } from 'node:path';
import { type Network, readKeystore } from '../provision/index.js';

/** The signing secret of a network's publisher. Throws ConfigError, ProvisionError "bad-keystore". */
export function publisherKey({ dir, file }: Network): Uint8Array {
  const keystore = join(dir, file.publisher.keystore);
  return readKeystore(keystore, join(dirname(keystore), 'password')).sign!;
}
