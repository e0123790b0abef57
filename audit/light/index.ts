/**
 * Light client: follows a chain by headers and certificates, and checks single facts against them. Holds no chain;
 * runs in a browser too (package.json, "browser"). What it proves, and under which assumptions: docs/light-client.md.
 */

export * from './claims.js';
export * from './fault.js';
export * from './follow.js';
export * from './messages.js';
export * from './prove.js';
export * from './proveBase.js';
export * from './read.js';
