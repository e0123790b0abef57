import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { signPossession } from '../../../contracts/index.js';
import { bytesToHex, hexToBytes, publicKeyOf, utf8ToBytes } from '../../../crypto/index.js';
import { readBounded } from '../../config.js';
import { datasetSalt } from '../../devices/datasetSalt.js';
import { newKeys, readKeystore, sealedText } from '../../provision/index.js';
import type { Client } from '../../rpc/index.js';
import { writeWhole } from '../../wholeFile.js';
import { commitCall } from '../commitCall.js';
import { CliError } from '../failure.js';
import type { Io } from '../io.js';

import { type NodeOptions, nodesOf } from './nodeOptions.js';

/**
 * `consilium device rotate` and the like: the account of a folder's keystore gets a fresh key.
 *
 * The new keystore lies on disk before the chain hears of the key, beside the old one and under the same password, and
 * replaces it when a block holds the change. What a crash left between is finished by calling it again.
 */
export async function rotate(
  folder: string,
  options: NodeOptions & { readonly json?: boolean },
  io: Io,
): Promise<void> {
  const [keystore, password] = [join(folder, 'keystore.json'), join(folder, 'password')];
  const next = join(folder, 'keystore.next.json');
  const secret = signingKey(keystore, password);
  // A device's dataset keeps its id under the new key.
  if (existsSync(join(folder, 'device.json'))) await datasetSalt(folder, secret);
  if (!existsSync(next)) {
    const line = readBounded(password).split(/\r?\n/, 1)[0]!;
    await writeWhole(next, utf8ToBytes(sealedText(newKeys('other'), line)));
  }
  const fresh = signingKey(next, password);
  const height = await nodesOf(options).use((client) => changeKey(client, secret, fresh));
  await rename(next, keystore);
  const publicKey = bytesToHex(publicKeyOf(fresh));
  if (options.json) io.out(JSON.stringify({ publicKey, height }));
  else io.out(`The account signs with ${publicKey} from now on; ${keystore} holds it.`);
}

/** Height of the block that holds the change; null: the chain had it already. */
async function changeKey(client: Client, secret: Uint8Array, fresh: Uint8Array): Promise<number | null> {
  const publicKey = publicKeyOf(fresh);
  const found = await client.call('account.get', { publicKey: bytesToHex(publicKeyOf(secret)) });
  if (found.publicKey === bytesToHex(publicKey)) return null;
  const { chainId } = await client.call('chain.status', {});
  const account = hexToBytes(found.account);
  const said = { account, hospital: found.hospital, publicKey };
  const possession = signPossession(hexToBytes(chainId), said, fresh);
  const call = { contract: 'identity', method: 'rotate', args: { publicKey, possession } };
  return (await commitCall(client, secret, call)).height;
}

function signingKey(keystore: string, password: string): Uint8Array {
  const { sign } = readKeystore(keystore, password);
  if (sign === undefined) throw new CliError('bad-config', `${keystore} holds no signing key`);
  return sign;
}
