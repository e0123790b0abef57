import { allocateBy, type DqnOptions, lessonsOf, policyOf, shapeOf, trainDqn } from './dqn/agent.js';
import { type Area, runEpisode, shareOfCosts } from './dqn/environment.js';
import { createNetwork, type Weights } from './dqn/network.js';
import { evidenceOf, type ReadPiece } from './leaks.js';
import { sizesInProportion } from './levels.js';
import { createRandom } from './random.js';

/** What is known of an area's providers; arrays are [providers]. */
export interface AreaProviders {
  /** The cluster of each, as of `classifyProviders`. */
  readonly clusters: ArrayLike<number>;
  /** What was read and reported, in at least two windows if a network is to be trained. */
  readonly pieces: readonly ReadPiece[];
}

export interface AllocateOptions {
  /** How many of the providers each class takes, in proportion; class 1 first. The limit of the classes' sizes. */
  readonly shares: readonly number[];
  /** Providers that read one piece of a task. */
  readonly readers: number;
  readonly dqn: DqnOptions;
  /** A network that is trained already, as by a federated task; null: the area's own is trained. */
  readonly network: Weights | null;
  readonly seed: Uint8Array;
}

export interface Allocated {
  /** [providers], 1 .. shares.length: the class, and so the level, of each. */
  readonly classes: Uint8Array;
  /** The network that chose them. */
  readonly network: Weights;
  /**
   * Shares of content that those reported in a window assemble, by a classification that has not seen that window's
   * reports: the mean over windows. They are what reports say, noise and all; the truth nobody knows.
   */
  readonly share: {
    /** Everybody may apply for everything. */
    readonly pool: number;
    /** By class, behind the gate. */
    readonly gated: number;
  };
}

/**
 * The classes of an area's providers, from its leak reports: trains the area's Q-network, or takes the given one.
 *
 * Throws RangeError for reports of fewer than two windows, or about who is no provider or read nothing; for shares
 * that leave a class empty. Deterministic from the seed on one kind of machine: whoever publishes levels publishes the
 * result. Cost: a second or two for 150 providers and the default options; providers² a training episode.
 */
export function allocateArea(providers: AreaProviders, options: AllocateOptions): Allocated {
  const { clusters, pieces } = providers;
  const sizes = sizesInProportion(clusters.length, options.shares);
  const area: Area = { clusters, sizes, readers: options.readers };
  const log = { area, pieces };
  const { hidden } = options.dqn;
  const network = options.network ?? trainDqn(log, options.dqn, createRandom(options.seed)).weights;
  const { classes } = allocateBy(area, evidenceOf(pieces, clusters.length), hidden, network);
  const measured = lessonsOf(log).map(({ evidence, reported }) => {
    const { transitions } = runEpisode(
      area,
      evidence,
      reported,
      policyOf(createNetwork(shapeOf(hidden)), network),
    );
    const named = reported.reduce((sum, one) => sum + one, 0);
    return {
      pool: 1 - (1 - named / reported.length) ** options.readers,
      gated: shareOfCosts(area, transitions),
    };
  });
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    classes,
    network,
    share: { pool: mean(measured.map(({ pool }) => pool)), gated: mean(measured.map(({ gated }) => gated)) },
  };
}
