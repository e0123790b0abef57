/** Chain exports: a chain as a CAR file, and its audit. */
export * from './error.js';
export * from './exportChain.js';
export * from './verifyExport.js';
