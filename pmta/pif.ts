import { type Betweenness, betweenness } from './betweenness.js';
import { clusteringCoefficients } from './clusteringCoefficient.js';
import { degrees } from './degree.js';
import type { Graph } from './graph.js';

/** How much each part says; at least 0, not all 0. Taken in proportion. */
export interface PifWeights {
  readonly degree: number;
  readonly clustering: number;
  readonly betweenness: number;
}

export const evenWeights: PifWeights = { degree: 1, clustering: 1, betweenness: 1 };

export interface Pif {
  /** [nodes], 0 to 1. */
  readonly values: Float64Array;
  /** Of the betweenness in it, before it was normalised. */
  readonly betweenness: Pick<Betweenness, 'pivots' | 'error' | 'standardError'>;
}

/**
 * The provider influence factor: degree, local clustering coefficient and betweenness, each moved to 0 .. 1 over all
 * providers (the least is 0, the most 1; all alike: 0), added up by their weights.
 *
 * The seed decides the pivots of betweenness, if any. Source: PMTA (Wang et al. 2023), equation 7.
 */
export function providerInfluence(graph: Graph, weights: PifWeights, seed: Uint8Array): Pif {
  const total = weights.degree + weights.clustering + weights.betweenness;
  const parts = [weights.degree, weights.clustering, weights.betweenness];
  if (!(total > 0 && Number.isFinite(total) && parts.every((part) => part >= 0)))
    throw new RangeError(`weights ${parts.join(', ')}`);
  const between = betweenness(graph, seed);
  const measures = [degrees(graph), clusteringCoefficients(graph), between.values].map(normalised);
  const values = new Float64Array(graph.nodes);
  for (const [index, measure] of measures.entries())
    for (const [node, value] of measure.entries()) values[node]! += (parts[index]! / total) * value;
  const { pivots, error, standardError } = between;
  return { values, betweenness: { pivots, error, standardError } };
}

function normalised(values: Float64Array): Float64Array {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  return values.map((value) => (most === least ? 0 : (value - least) / (most - least)));
}
