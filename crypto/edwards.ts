import { ed25519 } from '@noble/curves/ed25519.js';
import { equalBytes, hexToBytes } from './bytes.js';
import type { Sodium } from './sodium.js';

/**
 * The group of edwards25519 as the VRF needs it. Scalars are 32 bytes, little-endian, below the group's order q.
 *
 * Of the two, noble's is whole and slow. libsodium's is six to ten times as fast and constant time, but multiplies
 * neither points outside the subgroup of prime order nor to the identity: it throws `Irregular` then, and the caller
 * begins again with noble's. No honest proof needs that.
 */
export interface Edwards<P> {
  /** RFC 8032 section 5.1.3, strict: null for a non-canonical form and for what is no point. */
  decode(bytes: Uint8Array): P | null;
  encode(point: P): Uint8Array;
  subtract(a: P, b: P): P;
  /** `isSecret`: the time must not tell the scalar, as far as the library can. */
  multiply(point: P, scalar: Uint8Array, isSecret: boolean): P;
  multiplyBase(scalar: Uint8Array, isSecret: boolean): P;
  clearCofactor(point: P): P;
}

/** What libsodium does not compute. */
export class Irregular extends Error {}

const { Point } = ed25519;
/** Of the subgroup that B generates: q. */
export const ORDER = Point.Fn.ORDER;
type NoblePoint = InstanceType<typeof Point>;

export const nobleEdwards: Edwards<NoblePoint> = {
  decode: (bytes) => {
    if (bytes.length !== 32) return null;
    try {
      return Point.fromBytes(bytes, false);
    } catch {
      return null;
    }
  },
  encode: (point) => point.toBytes(),
  subtract: (a, b) => a.subtract(b),
  multiply: (point, scalar, isSecret) => {
    const number = bytesToNumberLE(scalar);
    return isSecret ? point.multiply(number) : point.multiplyUnsafe(number);
  },
  multiplyBase: (scalar, isSecret) => nobleEdwards.multiply(Point.BASE, scalar, isSecret),
  clearCofactor: (point) => point.clearCofactor(),
};

/** y = 1: the neutral element. */
const IDENTITY = Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? 1 : 0));

/** Points are their canonical 32 bytes. */
export function sodiumEdwards(library: Sodium): Edwards<Uint8Array> {
  const into = (compute: (result: Uint8Array) => void): Uint8Array => {
    const result = new Uint8Array(32);
    try {
      compute(result);
    } catch {
      throw new Irregular();
    }
    return result;
  };
  const add = (a: Uint8Array, b: Uint8Array): Uint8Array =>
    into((sum) => library.crypto_core_ed25519_add(sum, a, b));
  const twice = (point: Uint8Array): Uint8Array => add(point, point);
  return {
    decode: (bytes) => {
      if (bytes.length !== 32) return null;
      const canonical = new Uint8Array(32);
      try {
        library.crypto_core_ed25519_add(canonical, bytes, IDENTITY);
      } catch {
        return null;
      }
      return equalBytes(canonical, bytes) ? canonical : null;
    },
    encode: (point) => point,
    subtract: (a, b) => into((difference) => library.crypto_core_ed25519_sub(difference, a, b)),
    multiply: (point, scalar) =>
      into((product) => library.crypto_scalarmult_ed25519_noclamp(product, scalar, point)),
    multiplyBase: (scalar) =>
      into((product) => library.crypto_scalarmult_ed25519_base_noclamp(product, scalar)),
    clearCofactor: (point) => twice(twice(twice(point))),
  };
}

export function bytesToNumberLE(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  return value;
}

export function numberToBytesLE(value: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = Number((value >> BigInt(8 * i)) & 0xffn);
  return bytes;
}

/** Whether the point that the bytes begin with, canonical or not, is of order 1, 2, 4 or 8. */
export function hasSmallOrder(bytes: Uint8Array): boolean {
  return SMALL_ORDER_YS.some((y) => y.every((byte, at) => byte === (bytes[at]! & (at === 31 ? 0x7f : 0xff))));
}

/** y of the points of order 1, 2, 4 and 8, little-endian, as libsodium lists them; their x may have either sign. */
const SMALL_ORDER_YS = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
].map(hexToBytes);
