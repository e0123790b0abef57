/** From a table of text cells to the numbers a model trains on, by a public schema. Pure. */
export * from './deriveSchema.js';
export * from './encodeRows.js';
export * from './heldOut.js';
export * from './idx.js';
export * from './partition/index.js';
export * from './persons.js';
export type { DataProblem } from './problem.js';
export * from './readSchema.js';
export * from './rowEncoder.js';
export * from './schema.js';
export * from './schemaHash.js';
export * from './split.js';
export * from './summary.js';
export * from './table.js';
