/**
 * Networks trained by DP-SGD in lots, at one place that holds the records, and what comes of them: synthetic rows.
 */
export * from './gan.js';
export * from './lots.js';
export * from './synthesise.js';
export * from './trainInLots.js';
