import { createCipheriv, createHash } from 'node:crypto';
import type { RandomBytes } from '../../crypto/index.js';

const CHUNK = 65_536;

/** A seeded stream of bytes for studies, AES-128 in counter mode: thirty times as fast as `drbg`. Never for releases. */
export function stream(name: string): RandomBytes {
  const key = createHash('sha256').update(name).digest().subarray(0, 16);
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  const zeros = Buffer.alloc(CHUNK);
  let [chunk, used] = [Buffer.alloc(0), 0];
  return (bytes) => {
    const out = new Uint8Array(bytes);
    for (let filled = 0; filled < bytes; ) {
      if (used === chunk.length) [chunk, used] = [cipher.update(zeros), 0];
      const taken = Math.min(bytes - filled, chunk.length - used);
      out.set(chunk.subarray(used, used + taken), filled);
      filled += taken;
      used += taken;
    }
    return out;
  };
}

/** Standard normal numbers from a stream, in doubles (Box and Muller): for choosing settings, not for releases. */
export function normals(random: RandomBytes): () => number {
  const uniform = () => {
    const bytes = random(4);
    return (new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) + 0.5) / 2 ** 32;
  };
  let kept: number | null = null;
  return () => {
    if (kept !== null) {
      const last = kept;
      kept = null;
      return last;
    }
    const [length, angle] = [Math.sqrt(-2 * Math.log(uniform())), 2 * Math.PI * uniform()];
    kept = length * Math.sin(angle);
    return length * Math.cos(angle);
  };
}
