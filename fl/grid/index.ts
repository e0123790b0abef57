/** The lattices on which updates live, and the bytes that carry them. */
export * from './codec.js';
export { type DecodedUpdate, decodeEntropy, type EntropyRefusal, encodeEntropy } from './entropy.js';
export * from './grid.js';
export * from './round.js';
