import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js';
import { describe, expect, it } from 'vitest';
import { type Ed25519, ed25519Of, opensslEd25519 } from '../../../crypto/ed25519.js';
import { bytesToNumberLE, numberToBytesLE, ORDER } from '../../../crypto/edwards.js';
import {
  concatBytes,
  drbg,
  hexToBytes,
  publicKeyOf,
  sha512,
  sign,
  utf8ToBytes,
} from '../../../crypto/index.js';
import { withKnownKeys } from '../../../crypto/knownKeys.js';
import type { createKeyTables } from '../../../crypto/tables/keyTables.js';

const USES = 32;
const TABLES = 4;
const { Point } = ed25519;
const message = utf8ToBytes('vote');

const challengeOf = (...parts: readonly Uint8Array[]) =>
  numberToBytesLE(bytesToNumberLE(sha512(...parts)) % ORDER, 32);

/** OpenSSL's checks counted, by key. */
function counted(create?: typeof createKeyTables): { known: Ed25519; plainly: () => number } {
  let count = 0;
  const plain: Ed25519 = {
    ...opensslEd25519,
    verifier: (publicKey) => {
      const check = opensslEd25519.verifier(publicKey);
      return (...given) => {
        count += 1;
        return check(...given);
      };
    },
  };
  const known = withKnownKeys(plain, {
    challengeOf,
    tablesMax: TABLES,
    ...(create === undefined ? {} : { create }),
  });
  return { known, plainly: () => count };
}

function signer(seed: string) {
  const secret = drbg(utf8ToBytes(seed))(32);
  return { publicKey: publicKeyOf(secret), signature: sign(secret, message) };
}

/** A check under a key that has its table. */
function warm(publicKey: Uint8Array): (message: Uint8Array, signature: Uint8Array) => boolean {
  const check = ed25519Of.verifier(publicKey);
  for (let use = 0; use < USES; use += 1) check(message, new Uint8Array(64));
  return check;
}

describe('keys that return', () => {
  it('are checked by their table from the 32nd use on', () => {
    const { known, plainly } = counted();
    const { publicKey, signature } = signer('one');
    const check = known.verifier(publicKey);
    for (let use = 0; use < 2 * USES; use += 1) expect(check(message, signature)).toBe(true);
    expect(plainly()).toBe(USES - 1);
  });

  it('are checked as before where there are no tables to be had', () => {
    let asked = 0;
    const { known, plainly } = counted(() => {
      asked += 1;
      throw new RangeError('no vectors');
    });
    const { publicKey, signature } = signer('one');
    const check = known.verifier(publicKey);
    for (let use = 0; use < 3 * USES; use += 1) expect(check(message, signature)).toBe(true);
    expect(plainly()).toBe(3 * USES);
    expect(asked).toBe(1);
  });

  it('keep their tables against others that come in turn, and give them to these once they rest', () => {
    const { known, plainly } = counted();
    const all = Array.from({ length: TABLES + 2 }, (_, each) => {
      const { publicKey, signature } = signer(`${each}`);
      const check = known.verifier(publicKey);
      return () => expect(check(message, signature)).toBe(true);
    });
    for (let use = 0; use < 3 * USES; use += 1) for (const one of all) one();
    // Two are too many, and the others keep what they have.
    expect(plainly()).toBe(TABLES * (USES - 1) + 2 * 3 * USES);

    const [first, late] = [all[0]!, all.at(-1)!];
    for (let use = 0; use < 3 * USES; use += 1) {
      for (const one of all.slice(1, -2)) one();
      late();
    }
    const then = plainly();
    late();
    for (const one of all.slice(1, -2)) one();
    expect(plainly()).toBe(then);
    // The one that rested gave its place, and is checked all the same.
    first();
    expect(plainly()).toBe(then + 1);
  });
});

describe('a check by table', () => {
  const secret = drbg(utf8ToBytes('bits'))(32);
  const publicKey = publicKeyOf(secret);
  const signature = sign(secret, message);
  const { scalar } = ed25519.utils.getExtendedPublicKey(secret);
  const check = warm(publicKey);
  /** s for a given R: what makes s·B = r·B + h·A, whatever else R is made of. */
  const withR = (r: Uint8Array, nonce: bigint, key = publicKey): Uint8Array => {
    const h = bytesToNumberLE(challengeOf(r, key, message));
    return concatBytes(r, numberToBytesLE((nonce + h * scalar) % ORDER, 32));
  };

  it('takes what was signed, and no bit of it changed', () => {
    expect(check(message, signature)).toBe(true);
    for (let bit = 0; bit < 512; bit += 1) {
      const changed = signature.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
      expect(check(message, changed)).toBe(false);
    }
    expect(check(utf8ToBytes('note'), signature)).toBe(false);
  });

  it('refuses s + q', () => {
    const s = bytesToNumberLE(signature.subarray(32)) + ORDER;
    expect(check(message, concatBytes(signature.subarray(0, 32), numberToBytesLE(s, 32)))).toBe(false);
    const high = concatBytes(signature.subarray(0, 32), new Uint8Array(32).fill(0xff));
    expect(check(message, high)).toBe(false);
  });

  it('refuses an R of small order, also where the equation holds', () => {
    for (const r of ED25519_TORSION_SUBGROUP.map(hexToBytes))
      expect(check(message, withR(r, 0n))).toBe(false);
  });

  it('does not multiply by the cofactor', () => {
    const torsion = Point.fromHex(ED25519_TORSION_SUBGROUP[3]!);
    const nonce = 12_345n;
    const r = Point.BASE.multiply(nonce);
    expect(check(message, withR(r.toBytes(), nonce))).toBe(true);
    expect(check(message, withR(r.add(torsion).toBytes(), nonce))).toBe(false);
    // A key of mixed order: the equation itself decides, and holds where 8 divides h.
    const mixed = Point.fromBytes(publicKey).add(torsion).toBytes();
    const [byTable, plain] = [warm(mixed), opensslEd25519.verifier(mixed)];
    let held = 0;
    for (let each = 1n; each <= 64n; each += 1n) {
      const given = withR(Point.BASE.multiply(each).toBytes(), each, mixed);
      expect(byTable(message, given)).toBe(plain(message, given));
      if (plain(message, given)) held += 1;
    }
    expect(held).toBeGreaterThan(0);
  });
});
