import { createRequire, syncBuiltinESMExports } from 'node:module';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openKeystore, sealKeystore } from '../../../crypto/index.js';

/** What the cipher library gave or was given: bytes that hold secrets in the clear. */
type Cipher = { update(data: Uint8Array): Buffer };
const library = createRequire(import.meta.url)('node:crypto') as Record<
  string,
  (...args: never[]) => unknown
>;
const { scryptSync, hkdfSync, createCipheriv, createDecipheriv } = library;
const own = { scryptSync, hkdfSync, createCipheriv, createDecipheriv };
let clear: Uint8Array[] = [];

beforeEach(() => {
  clear = [];
  library.scryptSync = (...args) => keep(own.scryptSync!(...args) as Buffer);
  library.hkdfSync = (...args) => {
    keep((args as unknown as Uint8Array[])[1]!);
    const derived = own.hkdfSync!(...args) as ArrayBuffer;
    keep(new Uint8Array(derived));
    return derived;
  };
  library.createCipheriv = (...args) => watched(own.createCipheriv!(...args) as Cipher, 'input');
  library.createDecipheriv = (...args) => watched(own.createDecipheriv!(...args) as Cipher, 'output');
  syncBuiltinESMExports();
});
afterEach(() => {
  Object.assign(library, own);
  syncBuiltinESMExports();
});

function keep<B extends Uint8Array>(bytes: B): B {
  expect(bytes.some((byte) => byte !== 0)).toBe(true);
  clear.push(bytes);
  return bytes;
}

function watched(cipher: Cipher, which: 'input' | 'output'): Cipher {
  const update = cipher.update.bind(cipher);
  cipher.update = (data) => {
    if (which === 'input') keep(data);
    const given = update(data);
    return which === 'output' ? keep(given) : given;
  };
  return cipher;
}

const secrets = {
  sign: Uint8Array.from({ length: 32 }, (_, i) => i + 1),
  'a "vrf"\\': new Uint8Array([0, 255]),
};
const input = { password: 'p', salt: new Uint8Array(16).fill(1), nonce: new Uint8Array(12).fill(2), secrets };
const leftOver = () => clear.map((bytes) => bytes.some((byte) => byte !== 0));

it('sealing wipes the derived key and the secrets in the clear, and leaves the caller’s own', () => {
  const file = sealKeystore(input);
  expect(leftOver()).toEqual([false, false]);
  expect(secrets.sign[31]).toBe(32);
  expect(openKeystore(file, 'p')).toEqual({ ok: true, secrets });
});

it('opening wipes them too, whether the password is right or wrong', () => {
  const file = sealKeystore(input);
  clear = [];
  expect(openKeystore(file, 'p')).toEqual({ ok: true, secrets });
  expect(openKeystore(file, 'q')).toEqual({ ok: false, reason: 'wrong-password' });
  expect(leftOver()).toEqual([false, false, false, false]);
});

it('wipes a password that is a key as well, once it is bytes', () => {
  const password = 'ab'.repeat(32);
  const file = sealKeystore({ ...input, password });
  expect(openKeystore(file, password)).toEqual({ ok: true, secrets });
  expect(leftOver()).toEqual(new Array(6).fill(false)); // twice: the password, what is derived, the secrets
});
