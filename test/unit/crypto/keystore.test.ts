import { describe, expect, it } from 'vitest';
import { bytesToHex, drbg, openKeystore, sealKeystore, utf8ToBytes } from '../../../crypto/index.js';

const random = drbg(utf8ToBytes('keystore'));
const secrets = { sign: random(32), vrf: random(32) };
const input = { password: 'correct horse', salt: random(16), nonce: random(12), secrets };
const file = sealKeystore(input);

/** What a file is after a trip through the disk. */
const stored = () => JSON.parse(JSON.stringify(file)) as typeof file;

describe('keystore', () => {
  it('opens with its password, after a trip through JSON', () => {
    expect(openKeystore(stored(), 'correct horse')).toEqual({ ok: true, secrets });
  });

  it('takes the password in Unicode NFKC', () => {
    const sealed = sealKeystore({ ...input, password: 'caf\u00e9 \ufb01ne' });
    expect(openKeystore(sealed, 'cafe\u0301 fine').ok).toBe(true);
  });

  it('shows nothing of the secrets and is the same for the same input', () => {
    expect(sealKeystore({ ...input, secrets: { vrf: secrets.vrf, sign: secrets.sign } })).toEqual(file);
    expect(JSON.stringify(file)).not.toContain('vrf');
  });

  it('refuses a wrong password and any alteration', () => {
    const wrong = { ok: false, reason: 'wrong-password' };
    expect(openKeystore(stored(), 'correct horsf')).toEqual(wrong);
    const flip = (hex: string) => (hex[0] === '0' ? '1' : '0') + hex.slice(1);
    const whole = stored();
    expect(openKeystore({ ...whole, sealed: flip(whole.sealed) }, 'correct horse')).toEqual(wrong);
    const nonce = { ...whole.cipher, nonce: flip(whole.cipher.nonce) };
    expect(openKeystore({ ...whole, cipher: nonce }, 'correct horse')).toEqual(wrong);
    expect(openKeystore({ ...whole, sealed: whole.sealed.slice(0, -2) }, 'correct horse')).toEqual(wrong);
  });

  it.each([
    ['null', null],
    ['a text', 'keystore'],
    ['an empty object', {}],
    ['a list', [1]],
    ['no kdf', { ...stored(), kdf: undefined }],
    ['a short salt', { ...stored(), kdf: { ...stored().kdf, salt: '00' } }],
    ['a nonce that is no hex', { ...stored(), cipher: { ...stored().cipher, nonce: 'zz'.repeat(12) } }],
    ['half a byte', { ...stored(), sealed: `${stored().sealed}0` }],
    ['less than a tag', { ...stored(), sealed: '00'.repeat(15) }],
    ['more than a MiB', { ...stored(), sealed: '00'.repeat(1024 * 1024 + 1) }],
  ])('says that %s is no keystore', (_, value) => {
    expect(openKeystore(value, 'correct horse')).toEqual({ ok: false, reason: 'not-a-keystore' });
  });

  it.each([
    ['another version', { ...stored(), version: 3 }],
    ['a derivation of another version', { ...stored(), version: 2 }],
    ['costs that would eat the memory', { ...stored(), kdf: { ...stored().kdf, n: 2 ** 30 } }],
    ['costs that would be cheap to guess', { ...stored(), kdf: { ...stored().kdf, n: 2 } }],
    ['another cipher', { ...stored(), cipher: { ...stored().cipher, name: 'none' } }],
  ])('does not support %s', (_, value) => {
    expect(openKeystore(value, 'correct horse')).toEqual({ ok: false, reason: 'unsupported-version' });
  });
});

describe('a keystore under a random key', () => {
  const password = bytesToHex(random(32));
  const keyed = sealKeystore({ ...input, password });
  const wrong = { ok: false, reason: 'wrong-password' };

  it('opens with it, and with no other', () => {
    expect(keyed).toMatchObject({ version: 2, kdf: { name: 'hkdf-sha256' } });
    expect(openKeystore(JSON.parse(JSON.stringify(keyed)), password)).toEqual({ ok: true, secrets });
    expect(openKeystore(keyed, bytesToHex(random(32)))).toEqual(wrong);
    expect(openKeystore(keyed, 'correct horse')).toEqual(wrong);
    expect(openKeystore(keyed, password.toUpperCase())).toEqual(wrong);
  });

  it.each([
    ['a letter more', `${password}0`],
    ['a letter less', password.slice(1)],
    ['capitals', 'A'.repeat(64)],
    ['another letter', `${password.slice(1)}g`],
  ])('takes %s for something that somebody has thought of, with what makes guessing dear', (_, thought) => {
    const sealed = sealKeystore({ ...input, password: thought });
    expect(sealed).toMatchObject({ version: 1, kdf: { name: 'scrypt', n: 2 ** 15 } });
    expect(openKeystore(sealed, thought).ok).toBe(true);
  });

  it('is no keystore of version 1, whatever it says', () => {
    const kdf = { name: 'scrypt', n: 2 ** 15, r: 8, p: 1, salt: keyed.kdf.salt };
    expect(openKeystore({ ...keyed, version: 1, kdf }, password)).toEqual(wrong);
  });

  it('refuses any alteration', () => {
    const salt = bytesToHex(random(16));
    expect(openKeystore({ ...keyed, kdf: { ...keyed.kdf, salt } }, password)).toEqual(wrong);
  });
});
