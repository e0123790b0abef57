/** The processes of a local network: started, watched by their ready line, stopped. */
export * from './error.js';
export * from './faults.js';
export * from './nodeProcess.js';
export * from './testnet.js';
