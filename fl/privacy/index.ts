/** Mechanisms and accountants, one a file. */
export * from './accountants.js';
export * from './clipping/index.js';
export * from './discreteGaussian.js';
export * from './gaussianEpsilon.js';
export * from './lossCurve.js';
export * from './renyi.js';
export * from './renyiOrder.js';
export * from './rho.js';
export * from './sampledGaussian.js';
export * from './units.js';
