/** PMTA's classification of providers: graph, spectral clusters, influence, levels. Pure. */
export * from './balancedKMeans.js';
export * from './betweenness.js';
export * from './classify.js';
export * from './clusteringCoefficient.js';
export * from './degree.js';
export * from './eigenpairs.js';
export * from './graph.js';
export * from './levels.js';
export * from './noisedAttributes.js';
export * from './pif.js';
export * from './ratioCut.js';
export * from './similarity.js';
