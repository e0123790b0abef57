/** The lattices on which updates live, and the bytes that carry them. */
export * from './codec.js';
export * from './grid.js';
export * from './round.js';
