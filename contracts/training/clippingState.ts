import { strict as assert } from 'node:assert';
import { bytes, type Codec, integer, record } from '../../chain/index.js';
import { CLIP16_MAX } from '../../fl/index.js';

const MEMORY_BYTES = 32;
const MEMORY_BITS = 8 * MEMORY_BYTES;

const wide = bytes(MEMORY_BYTES);

/**
 * What a clipping rule remembers: two's complement, 32 bytes, big-endian.
 *
 * The mean square of `adaptive` needs most: updates within their norm cap keep ‖ḡ‖ below 2^43 and with it E, in
 * 2^-64, below 2^150; its start below 2^128.
 */
const memory: Codec<bigint> = {
  write: (out, value) => {
    assert.ok(BigInt.asIntN(MEMORY_BITS, value) === value, 'a memory of at most 32 bytes');
    const hex = BigInt.asUintN(MEMORY_BITS, value)
      .toString(16)
      .padStart(2 * MEMORY_BYTES, '0');
    wide.write(
      out,
      Uint8Array.from(hex.match(/../g)!, (byte) => Number.parseInt(byte, 16)),
    );
  },
  read: (input) =>
    BigInt.asIntN(
      MEMORY_BITS,
      wide.read(input).reduce((value, byte) => (value << 8n) | BigInt(byte), 0n),
    ),
};

/** Where the clipping threshold of a task stands. */
export const clippingCodec = record({ clip16: integer(1, CLIP16_MAX), memory });
