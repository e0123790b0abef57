/** From a table of text cells to the numbers a model trains on, by a public schema. Pure. */
export * from './deriveSchema.js';
export * from './encodeRows.js';
export type { DataProblem } from './problem.js';
export * from './readSchema.js';
export * from './schema.js';
export * from './split.js';
export * from './table.js';
