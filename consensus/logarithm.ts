import { strict as assert } from 'node:assert';
import { bytesToHex } from '../crypto/index.js';

/** Binary digits behind the point of what `bitsBelowOne` returns. */
export const LOGARITHM_DIGITS = 64n;

const HASH_BITS = 256n;
const MANTISSA_BITS = 128n;
const TWO = 1n << MANTISSA_BITS;

/**
 * −log2((h + 1) / 2^256) of a hash h of 32 bytes, big-endian, in units of 2^-64, rounded up in its last digits: how
 * far below 1 the hash lies as a share of all hashes. From 0 (all ones) to 256 · 2^64 (all zeros).
 *
 * Integers only, so that every machine gets the same: whole bits by position, then one digit a squaring.
 * The mantissa is kept to 127 digits, so the result is high by less than 2^-58.
 * Cost: 64 squarings of 128 bits, about 10 µs.
 * Source: Knuth, The Art of Computer Programming 1, section 1.2.2, exercise 25.
 */
export function bitsBelowOne(hash: Uint8Array): bigint {
  assert(hash.length === 32, 'a hash has 32 bytes');
  const number = BigInt(`0x${bytesToHex(hash)}`) + 1n;
  const whole = BigInt(number.toString(2).length) - 1n;
  // 1 <= mantissa < 2, as a number of 127 binary digits behind the point.
  const shift = whole - (MANTISSA_BITS - 1n);
  let mantissa = shift >= 0n ? number >> shift : number << -shift;
  let fraction = 0n;
  for (let digit = 0n; digit < LOGARITHM_DIGITS; digit += 1n) {
    mantissa = (mantissa * mantissa) >> (MANTISSA_BITS - 1n);
    fraction <<= 1n;
    if (mantissa >= TWO) {
      fraction |= 1n;
      mantissa >>= 1n;
    }
  }
  return (HASH_BITS << LOGARITHM_DIGITS) - ((whole << LOGARITHM_DIGITS) | fraction);
}

const ROUGH_DIGITS = 24;
/** Bits of a hash that a rough logarithm is taken of: what it leaves out changes it by less than its last digit. */
const ROUGH_BYTES = 7;

/**
 * The same as a number of bits, wrong by less than 2^-22. NaN for a hash so small that its first bits do not tell
 * (below 2^64 of 2^256). + × ÷ on numbers alone, so that it, too, is the same on every machine. Cost: 0.1 µs.
 */
export function roughBitsBelowOne(hash: Uint8Array): number {
  assert(hash.length === 32, 'a hash has 32 bytes');
  let first = 0;
  while (first < 24 && hash[first] === 0) first += 1;
  if (first === 24) return Number.NaN;
  let mantissa = 0;
  for (let at = first; at < first + ROUGH_BYTES; at += 1) mantissa = mantissa * 256 + hash[at]!;
  let whole = 8 * (hash.length - first - ROUGH_BYTES);
  while (mantissa >= 2) {
    mantissa /= 2;
    whole += 1;
  }
  let fraction = 0;
  for (let digit = 0.5, left = ROUGH_DIGITS; left > 0; digit /= 2, left -= 1) {
    mantissa *= mantissa;
    if (mantissa < 2) continue;
    fraction += digit;
    mantissa /= 2;
  }
  return Number(HASH_BITS) - whole - fraction;
}
