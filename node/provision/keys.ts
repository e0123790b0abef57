import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { openKeystore, publicKeyOf, sealKeystore, vrfPublicKeyOf } from '../../crypto/index.js';
import { ConfigError, readBounded } from '../config.js';
import { ProvisionError } from './error.js';
import { writeSecret } from './files.js';

export interface NewKeys {
  readonly secrets: Readonly<Record<string, Uint8Array>>;
  readonly publicKey: Uint8Array;
  /** Validators only. */
  readonly vrfPublicKey: Uint8Array | null;
}

/** Fresh keys from the system's generator: a signing key and, for a validator, a VRF key beside it. */
export function newKeys(kind: 'validator' | 'other'): NewKeys {
  const signing = fresh(32);
  if (kind === 'other')
    return { secrets: { sign: signing }, publicKey: publicKeyOf(signing), vrfPublicKey: null };
  const vrf = fresh(32);
  return {
    secrets: { sign: signing, vrf },
    publicKey: publicKeyOf(signing),
    vrfPublicKey: vrfPublicKeyOf(vrf),
  };
}

/** A password that nobody has to type: 32 random bytes in hex. */
export function newPassword(): string {
  return randomBytes(32).toString('hex');
}

/** Writes FOLDER/keystore.json, sealed under a fresh random password in FOLDER/password, both mode 0600. */
export function writeKeystore(folder: string, keys: NewKeys): void {
  const password = newPassword();
  writeSecret(join(folder, 'password'), `${password}\n`);
  writeSecret(join(folder, 'keystore.json'), sealedText(keys, password));
}

/** The text of a keystore file. Cost: about 80 ms with a password that somebody has thought of. */
export function sealedText(keys: NewKeys, password: string): string {
  const file = sealKeystore({ password, salt: fresh(16), nonce: fresh(12), secrets: keys.secrets });
  return `${JSON.stringify(file, null, 2)}\n`;
}

/**
 * The secrets of a keystore file under the password in another file (its first line).
 * Throws ConfigError if a file cannot be read, ProvisionError "bad-keystore" if they do not open.
 */
export function readKeystore(keystoreFile: string, passwordFile: string): Record<string, Uint8Array> {
  const text = readBounded(keystoreFile);
  const password = readBounded(passwordFile).split(/\r?\n/, 1)[0]!;
  return openText(text, password, keystoreFile);
}

/** As readKeystore, with the password itself. */
export function openText(text: string, password: string, file: string): Record<string, Uint8Array> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new ConfigError('not-json', file, 'a keystore is a JSON file', { cause: error });
  }
  const opened = openKeystore(json, password);
  if (opened.ok) return opened.secrets;
  const sentence = {
    'not-a-keystore': 'is not a keystore',
    'unsupported-version': 'is a keystore of a version that this program does not know',
    'wrong-password': 'does not open: the password is wrong or the file was altered',
  }[opened.reason];
  throw new ProvisionError('bad-keystore', `${file}: ${sentence}`);
}

function fresh(bytes: number): Uint8Array {
  return new Uint8Array(randomBytes(bytes));
}
