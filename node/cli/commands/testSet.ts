import { hexToBytes, utf8ToBytes } from '../../../crypto/index.js';
import { readBounded } from '../../config.js';
import { hashFiles } from '../../data/index.js';
import { CliError } from '../failure.js';

const TAG = utf8ToBytes('consilium/test-set/1');
const SALT_FILE_BYTES_MAX = 1_024;

/** The commitment to a test set: SHA-256(tag ‖ salt ‖ the file's bytes ‖ those of its labels). Throws DataError. */
export function commitTestSet(salt: Uint8Array, file: string, labels: string | null): Promise<Uint8Array> {
  return hashFiles([TAG, salt], labels === null ? [file] : [file, labels]);
}

/** A salt as `evaluation plan` writes it. Throws ConfigError, CliError "bad-config". */
export function readSalt(file: string): Uint8Array {
  const text = readBounded(file, SALT_FILE_BYTES_MAX).trim();
  if (!/^[0-9a-f]{64}$/.test(text))
    throw new CliError('bad-config', `${file} holds no salt of 64 hex digits`);
  return hexToBytes(text);
}
