/** Federated learning without the chain: the grid, privacy, models, verification, aggregation. */
export * from './aggregation/index.js';
export * from './grid/index.js';
export * from './model/index.js';
export * from './privacy/index.js';
export * from './robust/index.js';
export * from './round/index.js';
