import { sha256, utf8ToBytes } from '../../crypto/index.js';
import { splitRows } from '../../fl/index.js';

/** 32 bytes for one purpose from the seed that people give: a number or any word. */
export function seedFor(purpose: string, seed: string): Uint8Array {
  return sha256(utf8ToBytes(`consilium/seed/${purpose}/1\n`), utf8ToBytes(seed));
}

/** round(share · count) different numbers below count, at random by the seed, ascending. */
export function choosePoisoned(count: number, share: number, seed: Uint8Array): number[] {
  return splitRows(count, Math.round(share * count), seed).train.sort((a, b) => a - b);
}
