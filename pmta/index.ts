/** PMTA: providers' graph, spectral clusters, influence and levels; classes by a Q-network; what colluders assemble. Pure. */
export * from './allocate.js';
export * from './balancedKMeans.js';
export * from './betweenness.js';
export * from './classify.js';
export * from './clusteringCoefficient.js';
export * from './collusion.js';
export * from './degree.js';
export * from './dqn/index.js';
export * from './graph.js';
export * from './lanczos.js';
export * from './leaks.js';
export * from './levels.js';
export * from './pif.js';
export * from './printedReward.js';
export * from './random.js';
export * from './ratioCut.js';
export * from './similarity.js';
