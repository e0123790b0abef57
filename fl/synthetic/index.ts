/** Synthetic records under a privacy budget: what a generator takes and gives, and the one that needs no training. */
export * from './classCounts.js';
export * from './conform.js';
export * from './eigenSystem.js';
export * from './gaussian.js';
export * from './job.js';
export * from './membership.js';
