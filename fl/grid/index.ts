/** The lattices on which updates live, and the bytes that carry them. */
export * from './codec.js';
export * from './energyFloor.js';
export { decodeEntropy, type EntropyRefusal, encodeEntropy } from './entropy.js';
export * from './grid.js';
export * from './round.js';
export * from './update.js';
