/** A light client that asks nodes over RPC and keeps what it has proved in a file. */
export * from './error.js';
export * from './find.js';
export * from './session.js';
export { type KnownBlock, readTrust, writeTrust } from './trustFile.js';
