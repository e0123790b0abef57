/** Federated learning without the chain: the grid, privacy, models, verification, aggregation. */
export * from './model/index.js';
