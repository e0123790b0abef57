export * from './build.js';
export * from './risk.js';
export * from './schema.js';
