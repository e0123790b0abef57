import { distancesOfMeans } from '../distances.js';
import type { Front } from './front.js';

/**
 * Nearest-neighbour mixing: each update is replaced by the mean of the n - f updates nearest to it, itself one of
 * them.
 *
 * f = min(f of the task - already blacklisted, ⌊(n - 1) / 2⌋), at least 0; f = 0 makes all equal to the mean.
 * Distances are those of multi-Krum, between mean updates u_k/N_k. Ties: the smaller payload hash is nearer.
 * Deviation from the paper: the mean is one over units (Σu / ΣN), where the paper's devices weigh alike.
 * Cost: O(n² d).
 * Source: Allouah et al. 2023, arXiv:2302.01772, algorithm 2.
 */
export const nearestNeighbourMixing: Front = {
  name: 'nearest-neighbour-mixing',
  blend: (updates, { faulty, blacklisted }) => {
    const left = Math.max(0, Math.min(faulty - blacklisted, Math.floor((updates.length - 1) / 2)));
    return distancesOfMeans(updates).map((row, self) => {
      const nearest = [...row.keys()].sort((a, b) => {
        if (a === self || b === self) return a === b ? 0 : a === self ? -1 : 1;
        if (row[a] !== row[b]) return row[a]! < row[b]! ? -1 : 1;
        return updates[a]!.hash < updates[b]!.hash ? -1 : updates[a]!.hash > updates[b]!.hash ? 1 : a - b;
      });
      const of = nearest.slice(0, updates.length - left).sort((a, b) => a - b);
      return { of, standsFor: [self] };
    });
  },
};
