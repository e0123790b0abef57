import { concatBytes, utf8ToBytes } from '../crypto/index.js';
import type { Graph } from './graph.js';
import { levelsWithin } from './levels.js';
import { type Pif, type PifWeights, providerInfluence } from './pif.js';
import { type RatioCutOptions, type RatioCutResult, ratioCutClusters } from './ratioCut.js';
import { type SimilarityOptions, similarityGraph } from './similarity.js';

export interface ClassifyOptions extends SimilarityOptions, RatioCutOptions {
  readonly weights: PifWeights;
  /** How many of a cluster's providers each level takes, in proportion; level 1 first. */
  readonly shares: readonly number[];
}

export type Classified =
  | {
      readonly ok: true;
      readonly graph: Graph;
      /** [providers], 0 .. clusters - 1. */
      readonly clusters: Uint32Array;
      readonly eigenvalues: readonly number[];
      readonly influence: Pif;
      /** [providers], 1 .. shares.length. */
      readonly levels: Uint8Array;
    }
  | Extract<RatioCutResult, { readonly ok: false }>;

/**
 * Providers' levels from their attributes: provider graph, clusters, influence, and levels within each cluster.
 *
 * points: [providers][dimensions]. Levels are functions of these: computed from patients' raw attributes they tell of them,
 * so give synthetic or noised ones, or charge them. Deterministic from the seed on one kind of machine (exp and log may
 * differ in the last digit between engines): whoever publishes levels publishes the result.
 */
export function classifyProviders(points: Float64Array, options: ClassifyOptions): Classified {
  const graph = similarityGraph(points, options);
  const cut = ratioCutClusters(graph, options);
  if (!cut.ok) return cut;
  const pivots = concatBytes(utf8ToBytes('pivots '), options.seed);
  const influence = providerInfluence(graph, options.weights, pivots);
  const levels = levelsWithin(cut.labels, influence.values, options.shares);
  return { ok: true, graph, clusters: cut.labels, eigenvalues: cut.eigenvalues, influence, levels };
}
