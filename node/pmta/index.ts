/** PMTA's pipeline over a file of providers, and the way of its levels to the chain. Effects; the mathematics is pmta/. */
export * from './allocation.js';
export * from './areaResult.js';
export * from './budget.js';
export * from './chainReports.js';
export * from './levelWriter.js';
export * from './providers.js';
export * from './qNetwork.js';
export * from './reports.js';
export * from './resultFile.js';
export * from './rows.js';
export * from './steps.js';
