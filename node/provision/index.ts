/** Writes and opens the folder of a local network: genesis, keys, configurations, shards of data. */
export * from './addNode.js';
export * from './choose.js';
export * from './data.js';
export * from './error.js';
export { formatTable, makeFolder } from './files.js';
export * from './keys.js';
export * from './network.js';
export * from './ports.js';
export * from './provision.js';
