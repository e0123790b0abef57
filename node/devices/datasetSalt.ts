import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesToHex, hexToBytes, sha256, utf8ToBytes } from '../../crypto/index.js';
import { writeWhole } from '../wholeFile.js';
import { DeviceError } from './error.js';

const FILE = 'dataset.salt';

/**
 * What the id of a device's dataset is salted with, so that nobody can test a guess of the data against it: follows
 * from the first key that the device has, and stays when the key changes. With another salt the same data would have
 * another id, and another budget.
 *
 * Throws DeviceError "bad-ledger" for a file that is none, and what the disk says.
 */
export async function datasetSalt(folder: string, secret: Uint8Array): Promise<Uint8Array> {
  const path = join(folder, FILE);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text !== null) {
    if (/^[0-9a-f]{64}\n$/.test(text)) return hexToBytes(text.trim());
    throw new DeviceError('bad-ledger', `${path} is damaged: restore it from a backup, with ledger.json`);
  }
  const salt = sha256(Buffer.concat([utf8ToBytes('consilium/dataset-salt/1'), secret]));
  await writeWhole(path, utf8ToBytes(`${bytesToHex(salt)}\n`));
  return salt;
}
