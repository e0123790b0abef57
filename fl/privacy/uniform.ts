import { strict as assert } from 'node:assert';
import type { RandomBytes } from '../../crypto/index.js';

/** Whole numbers drawn from a byte source, exactly uniform. */
export interface Uniform {
  /** Uniform on 0 .. n-1, for 1 <= n <= 2^40. Takes no byte when n = 1. */
  below(n: number): number;
}

const BOUND_MAX = 2 ** 40;

/**
 * Reads the source in chunks of `chunkBytes`: a cryptographic generator costs far more a call than a byte.
 * Bytes that are left over are dropped with the object.
 */
export function createUniform(random: RandomBytes, chunkBytes: number): Uniform {
  let chunk = new Uint8Array(0);
  let used = 0;

  function byte(): number {
    if (used === chunk.length) {
      chunk = new Uint8Array(random(chunkBytes));
      assert.equal(chunk.length, chunkBytes, 'a random source returns what it is asked for');
      used = 0;
    }
    return chunk[used++]!;
  }

  return {
    below(n) {
      assert.ok(Number.isInteger(n) && n >= 1 && n <= BOUND_MAX, 'bound of a uniform draw');
      // A draw from 0 .. 256^k - 1, taken modulo n, is uniform below the last whole multiple of n; above: again.
      for (;;) {
        let value = 0;
        let space = 1;
        while (space < n) {
          value = value * 256 + byte();
          space *= 256;
        }
        if (value < space - (space % n)) return value % n;
      }
    },
  };
}
