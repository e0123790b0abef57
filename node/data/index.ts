/** Data files of any size as encoded rows, in bounded memory. Effects; what the numbers mean is fl/data. */
export type { ReadOptions, RowBatch } from './batch.js';
export { hashFiles } from './bytes.js';
export * from './error.js';
export * from './read.js';
