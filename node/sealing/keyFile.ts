import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { bytesToHex, deriveHpkeKeys, type HpkeKeys, hexToBytes } from '../../crypto/index.js';

/** A file of a reading key that cannot be used. `message` says what to do. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError';
  constructor(
    readonly code: 'exists' | 'not-found' | 'not-a-key',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const schema = z.strictObject({
  version: z.literal(1),
  kind: z.literal('task-reading-key'),
  /** Input key material, 32 bytes of hex: both keys follow from it. */
  ikm: z.string().regex(/^[0-9a-f]{64}$/),
});

/**
 * Makes the key by which its holder reads one task's content, in a file of its own (0600) that nothing else knows: so
 * it can be shredded. Throws KeyFileError "exists".
 */
export function createKeyFile(file: string): HpkeKeys {
  const ikm = new Uint8Array(randomBytes(32));
  let at: number;
  try {
    at = openSync(file, 'wx', 0o600);
  } catch (error) {
    throw new KeyFileError('exists', `${file} cannot be made: a key is never written over another`, {
      cause: error,
    });
  }
  try {
    writeSync(at, `${JSON.stringify({ version: 1, kind: 'task-reading-key', ikm: bytesToHex(ikm) })}\n`);
    fsyncSync(at);
  } finally {
    closeSync(at);
  }
  return deriveHpkeKeys(ikm);
}

/** Throws KeyFileError "not-found", "not-a-key". */
export function readKeyFile(file: string): HpkeKeys {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new KeyFileError(
      'not-found',
      `there is no key in ${file}: if it was shredded, nobody can bring it back`,
      {
        cause: error,
      },
    );
  }
  try {
    return deriveHpkeKeys(hexToBytes(schema.parse(JSON.parse(text)).ikm));
  } catch (error) {
    throw new KeyFileError('not-a-key', `${file} is no reading key of a task`, { cause: error });
  }
}

/**
 * Destroys a key file: its bytes are overwritten and synced, then it is cut to nothing and removed, synced too. What a
 * disk with wear levelling, a copying file system, a snapshot or a backup keeps of it is beyond this call
 * (docs/erasure.md). Throws KeyFileError: a file that is no key is not touched.
 */
export function shredKeyFile(file: string): void {
  readKeyFile(file);
  const at = openSync(file, 'r+');
  try {
    const { size } = fstatSync(at);
    for (const bytes of [randomBytes(size), Buffer.alloc(size)]) {
      writeSync(at, bytes, 0, size, 0);
      fsyncSync(at);
    }
    ftruncateSync(at, 0);
    fsyncSync(at);
  } finally {
    closeSync(at);
  }
  unlinkSync(file);
  const folder = openSync(dirname(resolve(file)), 'r');
  fsyncSync(folder);
  closeSync(folder);
}
