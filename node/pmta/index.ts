/** PMTA's pipeline over a file of providers, and the way of its levels to the chain. Effects; the mathematics is pmta/. */
export * from './budget.js';
export * from './levelWriter.js';
export * from './providers.js';
export * from './resultFile.js';
export * from './steps.js';
