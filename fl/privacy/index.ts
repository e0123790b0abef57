/** Mechanisms and accountants, one a file. */
export * from './discreteGaussian.js';
export * from './gaussianEpsilon.js';
export * from './rho.js';
