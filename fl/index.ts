/** Federated learning without the chain: data, models, the grid, privacy, verification, aggregation. */
export * from './aggregation/index.js';
export * from './attacks/index.js';
export * from './data/index.js';
export * from './evaluate/index.js';
export * from './grid/index.js';
export * from './local/index.js';
export * from './model/index.js';
export * from './privacy/index.js';
export * from './robust/index.js';
export * from './round/index.js';
export * from './synthetic/index.js';
