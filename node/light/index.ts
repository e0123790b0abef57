/** A light client that asks nodes over RPC, and a file that keeps what it has proved. */
export * from './page.js';
export { trustFile } from './trustFile.js';
