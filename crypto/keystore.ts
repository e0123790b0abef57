import { strict as assert } from 'node:assert';
import { createCipheriv, createDecipheriv, hkdfSync, scryptSync } from 'node:crypto';
import { bytesToHex, bytesToUtf8, concatBytes, hexToBytes, isHex, utf8ToBytes } from './bytes.js';

/** A password-sealed set of named secrets, ready for JSON. All byte fields are lower-case hex. */
export interface KeystoreFile {
  readonly version: 1 | 2;
  readonly kdf: Kdf;
  readonly cipher: { readonly name: 'chacha20-poly1305'; readonly nonce: string };
  /** Sealed secrets, then the 16-byte tag. */
  readonly sealed: string;
}

/** scrypt for what somebody has thought of, version 1; HKDF for what is a random key itself, version 2. */
type Kdf =
  | {
      readonly name: 'scrypt';
      readonly n: number;
      readonly r: number;
      readonly p: number;
      readonly salt: string;
    }
  | { readonly name: 'hkdf-sha256'; readonly salt: string };

export interface KeystoreInput {
  readonly password: string;
  /** 16 bytes, fresh for every file. */
  readonly salt: Uint8Array;
  /** 12 bytes, fresh for every file. */
  readonly nonce: Uint8Array;
  readonly secrets: Readonly<Record<string, Uint8Array>>;
}

export type OpenedKeystore =
  | { readonly ok: true; readonly secrets: Record<string, Uint8Array> }
  | { readonly ok: false; readonly reason: 'not-a-keystore' | 'wrong-password' | 'unsupported-version' };

// Version 1 fixes the parameters: a file can't make its reader allocate gigabytes. 32 MiB, about 80 ms.
const SCRYPT = { n: 2 ** 15, r: 8, p: 1 } as const;
const SCRYPT_MEMORY_MAX = 64 * 1024 * 1024;
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const KEY_BYTES = 32;
const INFO = utf8ToBytes('consilium/keystore');
const TAG_BYTES = 16;
const SEALED_BYTES_MAX = 1024 * 1024;

/**
 * Seals secrets under a password: scrypt (N = 2^15, r = 8, p = 1), then ChaCha20-Poly1305 over the JSON of the
 * secrets (names sorted, values in hex) with the header as associated data.
 *
 * A password of 64 lower-case hex digits is what machines make, a key of 256 random bits: nobody tries those one by one,
 * however little each costs, so HKDF-SHA256 takes the place of scrypt.
 *
 * The password is taken in Unicode NFKC, so that it does not depend on the keyboard that typed it. Of the secrets and the
 * key nothing stays behind in memory but what the caller holds; the password, a text, cannot be wiped.
 * Cost: about 80 ms and 32 MiB, or with a key for a password nothing to speak of. Source: RFC 7914, RFC 5869, RFC 8439.
 */
export function sealKeystore({ password, salt, nonce, secrets }: KeystoreInput): KeystoreFile {
  assert.equal(salt.length, SALT_BYTES, 'salt length');
  assert.equal(nonce.length, NONCE_BYTES, 'nonce length');
  const saltHex = bytesToHex(salt);
  const cipherFields = { name: 'chacha20-poly1305', nonce: bytesToHex(nonce) } as const;
  const header: Omit<KeystoreFile, 'sealed'> = isHex(password, KEY_BYTES)
    ? { version: 2, kdf: { name: 'hkdf-sha256', salt: saltHex }, cipher: cipherFields }
    : { version: 1, kdf: { name: 'scrypt', ...SCRYPT, salt: saltHex }, cipher: cipherFields };
  const plain = writeSecrets(secrets);
  const key = deriveKey(header.kdf, password);
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(headerBytes(header), { plaintextLength: plain.length });
  const sealed = concatBytes(cipher.update(plain), cipher.final(), cipher.getAuthTag());
  key.fill(0);
  plain.fill(0);
  assert.ok(sealed.length <= SEALED_BYTES_MAX, 'too many secrets for one keystore');
  return { ...header, sealed: bytesToHex(sealed) };
}

/**
 * Opens what `sealKeystore` made. `file` is untrusted (parsed JSON).
 *
 * Fails, checked in this order: "not-a-keystore" (shape), "unsupported-version" (version, or other parameters
 *   than the version fixes), "wrong-password" (also when the file was altered: the two can't be told apart).
 */
export function openKeystore(file: unknown, password: string): OpenedKeystore {
  const shape = readShape(file);
  if (shape === 'not-a-keystore' || shape === 'unsupported-version') return { ok: false, reason: shape };
  if (shape.kdf.name === 'hkdf-sha256' && !isHex(password, KEY_BYTES))
    return { ok: false, reason: 'wrong-password' };
  const sealed = hexToBytes(shape.sealed);
  const key = deriveKey(shape.kdf, password);
  const nonce = hexToBytes(shape.cipher.nonce);
  const body = sealed.subarray(0, -TAG_BYTES);
  const decipher = createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(headerBytes(shape), { plaintextLength: body.length });
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  const plain = decipher.update(body);
  try {
    // Authenticated from here on: what is inside is what sealKeystore wrote.
    return isWhole(decipher)
      ? { ok: true, secrets: readSecrets(plain) }
      : { ok: false, reason: 'wrong-password' };
  } finally {
    key.fill(0);
    plain.fill(0);
  }
}

function isWhole(decipher: { final(): Uint8Array }): boolean {
  try {
    decipher.final();
    return true;
  } catch {
    return false;
  }
}

const HEX_DIGITS = utf8ToBytes('0123456789abcdef');

/** JSON of names and hex, as bytes: a secret that was once a text stays in memory until it is collected, or longer. */
function writeSecrets(secrets: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const parts = Object.keys(secrets)
    .sort()
    .flatMap((name, i) => {
      const digits = new Uint8Array(2 * secrets[name]!.length);
      for (const [at, byte] of secrets[name]!.entries()) {
        digits[2 * at] = HEX_DIGITS[byte >> 4]!;
        digits[2 * at + 1] = HEX_DIGITS[byte & 15]!;
      }
      return [utf8ToBytes(`${i === 0 ? '' : ','}[${JSON.stringify(name)},"`), digits, utf8ToBytes('"]')];
    });
  const plain = concatBytes(utf8ToBytes('['), ...parts, utf8ToBytes(']'));
  for (const part of parts) part.fill(0);
  return plain;
}

/** What `writeSecrets` wrote; the hex is never a text. */
function readSecrets(plain: Uint8Array): Record<string, Uint8Array> {
  const secrets: Record<string, Uint8Array> = {};
  for (let at = plain.indexOf(QUOTE); at >= 0; ) {
    const nameEnd = textEnd(plain, at);
    const name = JSON.parse(bytesToUtf8(plain.subarray(at, nameEnd))) as string;
    const from = plain.indexOf(QUOTE, nameEnd) + 1;
    const to = plain.indexOf(QUOTE, from);
    assert.ok(from > 0 && to >= from && (to - from) % 2 === 0, 'a secret is hex');
    secrets[name] = Uint8Array.from(
      { length: (to - from) / 2 },
      (_, i) => (digitOf(plain[from + 2 * i]!) << 4) | digitOf(plain[from + 2 * i + 1]!),
    );
    at = plain.indexOf(QUOTE, to + 1);
  }
  return secrets;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Behind the closing quote of the JSON text that begins at `at`. */
function textEnd(bytes: Uint8Array, at: number): number {
  let end = at + 1;
  while (bytes[end] !== QUOTE) {
    assert.ok(end < bytes.length, 'a text ends');
    end += bytes[end] === BACKSLASH ? 2 : 1;
  }
  return end + 1;
}

function digitOf(byte: number): number {
  const digit = HEX_DIGITS.indexOf(byte);
  assert.ok(digit >= 0, 'a hex digit');
  return digit;
}

function deriveKey(kdf: Kdf, password: string): Uint8Array {
  const salt = hexToBytes(kdf.salt);
  if (kdf.name === 'scrypt') {
    const options = { N: SCRYPT.n, r: SCRYPT.r, p: SCRYPT.p, maxmem: SCRYPT_MEMORY_MAX };
    return scryptSync(password.normalize('NFKC'), salt, KEY_BYTES, options);
  }
  const random = hexToBytes(password);
  const key = new Uint8Array(hkdfSync('sha256', random, salt, INFO, KEY_BYTES));
  random.fill(0);
  return key;
}

/** Rebuilt field by field: the order of keys in the file does not matter. */
function headerBytes({ version, kdf, cipher }: Omit<KeystoreFile, 'sealed'>): Uint8Array {
  const costs = kdf.name === 'scrypt' ? [kdf.n, kdf.r, kdf.p] : [];
  const fields = [version, kdf.name, ...costs, kdf.salt, cipher.name, cipher.nonce];
  return utf8ToBytes(JSON.stringify(['consilium/keystore', ...fields]));
}

function readShape(file: unknown): KeystoreFile | 'not-a-keystore' | 'unsupported-version' {
  if (!isRecord(file) || typeof file.version !== 'number') return 'not-a-keystore';
  if (file.version !== 1 && file.version !== 2) return 'unsupported-version';
  const { kdf, cipher, sealed } = file;
  if (!isRecord(kdf) || !isRecord(cipher) || typeof sealed !== 'string') return 'not-a-keystore';
  if (!isHex(kdf.salt, SALT_BYTES) || !isHex(cipher.nonce, NONCE_BYTES)) return 'not-a-keystore';
  const sealedBytes = Math.floor(sealed.length / 2);
  if (!isHex(sealed, sealedBytes) || sealedBytes < TAG_BYTES || sealedBytes > SEALED_BYTES_MAX)
    return 'not-a-keystore';
  if (cipher.name !== 'chacha20-poly1305') return 'unsupported-version';
  const derivation = kdfOf(file.version, kdf, kdf.salt);
  if (derivation === null) return 'unsupported-version';
  return {
    version: file.version,
    kdf: derivation,
    cipher: { name: 'chacha20-poly1305', nonce: cipher.nonce },
    sealed,
  };
}

/** What the version fixes; null: the file says otherwise. */
function kdfOf(version: 1 | 2, { name, n, r, p }: Record<string, unknown>, salt: string): Kdf | null {
  if (version === 2) return name === 'hkdf-sha256' ? { name, salt } : null;
  const isFixed = name === 'scrypt' && n === SCRYPT.n && r === SCRYPT.r && p === SCRYPT.p;
  return isFixed ? { name: 'scrypt', ...SCRYPT, salt } : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
