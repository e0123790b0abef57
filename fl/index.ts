/** Federated learning without the chain: the grid, privacy, models, verification, aggregation. */
export * from './data/index.js';
export * from './grid/index.js';
export * from './model/index.js';
export * from './privacy/index.js';
