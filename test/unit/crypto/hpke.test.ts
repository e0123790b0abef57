import { describe, expect, it } from 'vitest';
import {
  aeadOpen,
  bytesToHex,
  deriveHpkeKeys,
  hexToBytes,
  hpkeOpen,
  hpkeSeal,
} from '../../../crypto/index.js';

/** RFC 9180, appendix A.2.1: base mode, X25519, HKDF-SHA256, ChaCha20-Poly1305; the encryption of sequence number 0. */
const vector = {
  info: '4f6465206f6e2061204772656369616e2055726e',
  ikmE: '909a9b35d3dc4713a5e72a4da274b55d3d3821a37e5d099e74a647db583a904b',
  skEm: 'f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600',
  pkEm: '1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a',
  ikmR: '1ac01f181fdf9f352797655161c58b75c656a6cc2716dcb66372da835542e1df',
  pkRm: '4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a',
  skRm: '8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb',
  key: 'ad2744de8e17f4ebba575b3f5f5a8fa1f69c2a07f6e7500bc60ca6e3e3ec1c91',
  nonce: '5c4d98150661b848853b547f',
  aad: '436f756e742d30',
  message: '4265617574792069732074727574682c20747275746820626561757479',
  ciphertext: '1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28',
};
const v = Object.fromEntries(Object.entries(vector).map(([name, hex]) => [name, hexToBytes(hex)])) as {
  [name in keyof typeof vector]: Uint8Array;
};
const { info, aad, message } = v;
const flipped = (bytes: Uint8Array, at = 0) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));

describe('HPKE', () => {
  it('gives the values of RFC 9180', () => {
    expect(bytesToHex(deriveHpkeKeys(v.ikmE).secret)).toBe(vector.skEm);
    const keys = deriveHpkeKeys(v.ikmR);
    expect([bytesToHex(keys.secret), bytesToHex(keys.publicKey)]).toEqual([vector.skRm, vector.pkRm]);
    const sealed = hpkeSeal({ publicKey: v.pkRm, ikm: v.ikmE, info, aad, message })!;
    expect(bytesToHex(sealed.enc)).toBe(vector.pkEm);
    expect(bytesToHex(sealed.ciphertext)).toBe(vector.ciphertext);
    expect(aeadOpen(v.key, v.nonce, aad, v.ciphertext)).toEqual(message);
    expect(hpkeOpen({ keys, sealed, info, aad })).toEqual(message);
  });

  it('opens nothing that was altered, or is another’s', () => {
    const keys = deriveHpkeKeys(v.ikmR);
    const sealed = { enc: v.pkEm, ciphertext: v.ciphertext };
    const { ciphertext } = sealed;
    for (let at = 0; at < ciphertext.length; at += 1)
      expect(
        hpkeOpen({ keys, sealed: { ...sealed, ciphertext: flipped(ciphertext, at) }, info, aad }),
      ).toBeNull();
    expect(hpkeOpen({ keys, sealed: { ...sealed, enc: flipped(sealed.enc) }, info, aad })).toBeNull();
    expect(hpkeOpen({ keys, sealed, info: flipped(info), aad })).toBeNull();
    expect(hpkeOpen({ keys, sealed, info, aad: flipped(aad) })).toBeNull();
    expect(hpkeOpen({ keys: deriveHpkeKeys(v.ikmE), sealed, info, aad })).toBeNull();
    expect(
      hpkeOpen({ keys, sealed: { ...sealed, ciphertext: ciphertext.slice(0, 15) }, info, aad }),
    ).toBeNull();
    expect(hpkeOpen({ keys, sealed: { ...sealed, enc: sealed.enc.slice(1) }, info, aad })).toBeNull();
  });

  it('takes no key that would make the secret public', () => {
    const small = [new Uint8Array(32), Uint8Array.of(1, ...new Uint8Array(31))];
    for (const publicKey of small) {
      expect(hpkeSeal({ publicKey, ikm: v.ikmE, info, aad, message })).toBeNull();
      const sealed = { enc: publicKey, ciphertext: v.ciphertext };
      expect(hpkeOpen({ keys: deriveHpkeKeys(v.ikmR), sealed, info, aad })).toBeNull();
    }
  });
});
