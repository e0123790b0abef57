import { ed25519 } from '@noble/curves/ed25519.js';
import { describe, expect, it } from 'vitest';
import { bytesToNumberLE, numberToBytesLE, ORDER } from '../../../crypto/edwards.js';
import { bytesToHex, drbg, publicKeyOf, utf8ToBytes } from '../../../crypto/index.js';
import { bitsOf, limbs, QUAD_BYTES, VECTOR_BYTES } from '../../../crypto/tables/field.js';
import { createKeyTables } from '../../../crypto/tables/keyTables.js';
import { functions } from '../../../crypto/tables/points.js';
import { createMemory, instantiate } from '../../../wasm/index.js';

const { Point } = ed25519;
const p = Point.Fp.ORDER;
const memory = createMemory(1);
const kernels = instantiate(functions, memory);
const words = new Uint32Array(memory.buffer);
const [A, B, OUT] = [0, QUAD_BYTES, 2 * QUAD_BYTES];
const random = drbg(utf8ToBytes('field'));

/** Limbs of a number that is given by them; `stride`: words from limb to limb. */
function write(at: number, stride: number, values: readonly number[]): bigint {
  values.forEach((value, k) => {
    words[at / 4 + stride * k] = value;
  });
  return read(at, stride);
}

function read(at: number, stride: number): bigint {
  let shift = 0n;
  return limbs.reduce((sum, k) => {
    const part = BigInt(words[at / 4 + stride * k]!) << shift;
    shift += BigInt(bitsOf(k));
    return sum + part;
  }, 0n);
}

const filled = (bits: number): number[] => limbs.map((k) => Math.floor(2 ** (bitsOf(k) + bits)) - 1);
const chance = (bits: number): number[] =>
  limbs.map((k) => Number(bytesToNumberLE(random(5)) % BigInt(Math.floor(2 ** (bitsOf(k) + bits)))));
const limbsOf = (value: bigint): number[] => {
  let rest = value;
  return limbs.map((k) => {
    const limb = Number(BigInt.asUintN(bitsOf(k), rest));
    rest >>= BigInt(bitsOf(k));
    return limb;
  });
};
/** By less than a hundredth. */
const isReduced = (at: number, stride: number): boolean =>
  limbs.every((k) => words[at / 4 + stride * k]! < 2 ** (bitsOf(k) + 0.01));

describe('numbers modulo 2^255 − 19', () => {
  const cases = [
    { what: 'limbs of 1.75 bits more', a: () => filled(1.75), b: () => filled(1.75) },
    { what: 'zero', a: () => limbs.map(() => 0), b: () => filled(1.75) },
    ...Array.from({ length: 50 }, () => ({ what: 'chance', a: () => chance(1.75), b: () => chance(1.75) })),
  ];

  it.each(cases)('are multiplied four at a time as BigInt does: $what', ({ a, b }) => {
    const lanes = [0, 1, 2, 3].map((lane) => ({
      a: write(A + 4 * lane, VECTOR_BYTES / 4, a()),
      b: write(B + 4 * lane, VECTOR_BYTES / 4, b()),
    }));
    kernels.productOfQuads(OUT, A, B);
    lanes.forEach((one, lane) => {
      expect(read(OUT + 4 * lane, VECTOR_BYTES / 4) % p).toBe((one.a * one.b) % p);
      expect(isReduced(OUT + 4 * lane, VECTOR_BYTES / 4)).toBe(true);
    });
  });

  it('are multiplied and squared one at a time as BigInt does', () => {
    for (const values of [filled(0.01), limbs.map(() => 0), ...Array.from({ length: 50 }, () => chance(0))]) {
      const a = write(A, 1, values);
      const b = write(B, 1, chance(0.01));
      kernels.product(OUT, A, B);
      expect(read(OUT, 1) % p).toBe((a * b) % p);
      expect(isReduced(OUT, 1)).toBe(true);
      kernels.squares(OUT, A, 3);
      expect(read(OUT, 1) % p).toBe(Point.Fp.pow(a % p, 8n));
      expect(isReduced(OUT, 1)).toBe(true);
    }
  });

  it.each([0n, 1n, 18n, p - 1n, p, p + 1n, p + 18n])('have one form in bytes: %d', (value) => {
    write(A, 1, limbsOf(value));
    kernels.canonical(OUT, A);
    expect(bytesToNumberLE(new Uint8Array(memory.buffer, OUT, 32))).toBe(value % p);
  });

  it('have one form in bytes from limbs that are a little too large', () => {
    const value = write(A, 1, filled(0.009));
    kernels.canonical(OUT, A);
    expect(bytesToNumberLE(new Uint8Array(memory.buffer, OUT, 32))).toBe(value % p);
  });
});

describe('tables of keys', () => {
  const tables = createKeyTables();
  const scalars = [
    0n,
    1n,
    ORDER - 1n,
    // Every window is at an end of its range, or carries into the next.
    2n ** 252n - 1n,
    ...[6n, 8n].flatMap((bits) =>
      [2n ** (bits - 1n), 2n ** (bits - 1n) - 1n, 2n ** (bits - 1n) + 1n].map((digit) => {
        let sum = 0n;
        for (let at = 0n; at < 252n; at += bits) sum |= digit << at;
        return sum % 2n ** 252n;
      }),
    ),
    ...Array.from({ length: 10 }, () => bytesToNumberLE(random(32)) % ORDER),
  ];

  it('give s·B − h·A as noble does', () => {
    const keys = [0, 1, 2].map((place) => ({ place, publicKey: publicKeyOf(random(32)) }));
    for (const { place, publicKey } of keys) tables.make(place, publicKey);
    for (const s of scalars)
      for (const h of scalars) {
        const { place, publicKey } = keys[Number((s + h) % 3n)]!;
        const key = Point.fromBytes(publicKey).multiplyUnsafe(h);
        expect(bytesToHex(tables.difference(place, numberToBytesLE(s, 32), numberToBytesLE(h, 32)))).toBe(
          Point.BASE.multiplyUnsafe(s).subtract(key).toHex(),
        );
      }
  });

  it('are right for the multiples of B itself, where sums meet their own terms', () => {
    tables.make(0, Point.BASE.toBytes());
    for (const [s, h] of [
      [1n, 1n],
      [5n, 7n],
      [ORDER - 1n, 1n],
    ] as const)
      expect(bytesToHex(tables.difference(0, numberToBytesLE(s, 32), numberToBytesLE(h, 32)))).toBe(
        Point.BASE.multiplyUnsafe((s - h + ORDER) % ORDER).toHex(),
      );
  });

  it('are made again in the place of others', () => {
    const publicKey = publicKeyOf(random(32));
    tables.make(1, publicKey);
    const one = numberToBytesLE(1n, 32);
    expect(bytesToHex(tables.difference(1, new Uint8Array(32), one))).toBe(
      Point.fromBytes(publicKey).negate().toHex(),
    );
  });
});
