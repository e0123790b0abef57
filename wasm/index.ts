/** Writing WebAssembly, and running it in this thread. Imports no other room. */
export * from './assemble.js';
export * from './instantiate.js';
