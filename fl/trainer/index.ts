/**
 * Local training: the tensor library and the threads it runs in. Effects; used by node/ alone.
 *
 * Owns: gradients, their clipping and exact sums, the noise's source, the pool. Does not own: the lattices and
 * the noise itself (fl/), when to train and what becomes of an update (node/).
 */
export * from './backend.js';
export * from './descend.js';
export * from './error.js';
export * from './generative/index.js';
export * from './gradientSum.js';
export * from './job.js';
export * from './osRandom.js';
export * from './pool.js';
export * from './sample.js';
export * from './trainStep.js';
export * from './wholeUpdate.js';
