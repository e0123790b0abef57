import { drbg } from '../crypto/index.js';

/** Draws that a seed decides: the same seed, the same draws on every machine. For choices, never for noise or keys. */
export interface Random {
  /** Uniform on 0 .. 1, both ends excluded; 32 bits. */
  unit(): number;
  /** Uniform on 0 .. n-1. */
  below(n: number): number;
  /** Standard normal (Box and Muller 1958). */
  normal(): number;
}

const CHUNK = 4_096;
const SPACE = 2 ** 32;

export function createRandom(seed: Uint8Array): Random {
  const source = drbg(seed);
  let chunk = new DataView(new ArrayBuffer(0));
  let used = 0;
  const word = (): number => {
    if (used === chunk.byteLength) {
      chunk = new DataView(Uint8Array.from(source(CHUNK)).buffer);
      used = 0;
    }
    used += 4;
    return chunk.getUint32(used - 4);
  };
  const unit = (): number => (word() + 0.5) / SPACE;
  return {
    unit,
    below: (n) => {
      // Above the last whole multiple of n: again, so that every number is as likely.
      const end = SPACE - (SPACE % n);
      for (;;) {
        const drawn = word();
        if (drawn < end) return drawn % n;
      }
    },
    normal: () => Math.sqrt(-2 * Math.log(unit())) * Math.cos(2 * Math.PI * unit()),
  };
}
