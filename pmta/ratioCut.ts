import { concatBytes, utf8ToBytes } from '../crypto/index.js';
import { balancedKMeans } from './balancedKMeans.js';
import { smallestEigenpairs } from './eigenpairs.js';
import type { Graph } from './graph.js';

export interface RatioCutOptions {
  readonly clusters: number;
  /** As of balancedKMeans. */
  readonly balance: number;
  readonly seed: Uint8Array;
}

export type RatioCutResult =
  | {
      readonly ok: true;
      /** [nodes], each 0 .. clusters - 1. */
      readonly labels: Uint32Array;
      /** The Laplacian's smallest eigenvalues: a gap after the k-th says that k clusters fit. */
      readonly eigenvalues: readonly number[];
    }
  | { readonly ok: false; readonly reason: 'not-converged'; readonly residual: number };

const ATTEMPTS = 4;

/**
 * Spectral clustering: each node becomes its row in the matrix of the Laplacian's smallest eigenvectors, which relaxes the
 * smallest RatioCut, and balanced k-means puts the rows together.
 * Source: PMTA (Wang et al. 2023); von Luxburg 2007, sections 4 and 5.2; Hagen and Kahng 1992 (RatioCut).
 */
export function ratioCutClusters(graph: Graph, { clusters, balance, seed }: RatioCutOptions): RatioCutResult {
  const found = smallestEigenpairs(graph, clusters, concatBytes(utf8ToBytes('eigenvectors '), seed));
  if (!found.ok) return found;
  const rows = new Float64Array(graph.nodes * clusters);
  for (const [column, { vector }] of found.pairs.entries())
    for (const [node, entry] of vector.entries()) rows[node * clusters + column] = entry;
  const { labels } = balancedKMeans(rows, {
    dimensions: clusters,
    clusters,
    balance,
    attempts: ATTEMPTS,
    seed: concatBytes(utf8ToBytes('k-means '), seed),
  });
  return { ok: true, labels, eigenvalues: found.pairs.map(({ value }) => value) };
}

/** What the clustering cuts: Σ over clusters of (weight of the edges that leave it) / (its size). Empty ones count 0. */
export function ratioCut({ nodes, starts, targets, weights }: Graph, labels: Uint32Array): number {
  const cut = new Map<number, { weight: number; size: number }>();
  for (let node = 0; node < nodes; node++) {
    const label = labels[node]!;
    const own = cut.get(label) ?? { weight: 0, size: 0 };
    cut.set(label, own);
    own.size++;
    for (let at = starts[node]!; at < starts[node + 1]!; at++)
      if (labels[targets[at]!] !== label) own.weight += weights[at]!;
  }
  let sum = 0;
  for (const { weight, size } of cut.values()) sum += weight / size;
  return sum;
}
