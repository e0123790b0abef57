export * from './grid/index.js';
export * from './privacy/index.js';
