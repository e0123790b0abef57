import { randomBytes } from 'node:crypto';
import { concatBytes, utf8ToBytes } from '../../crypto/index.js';
import {
  type Classified,
  classifyProviders,
  evenWeights,
  type NoisedAttributes,
  noisedAttributes,
} from '../../pmta/index.js';
import type { Area } from './providers.js';

/** What a run of the pipeline fixes for all areas: with the data it decides the levels, but for the noise. */
export interface PipelineOptions {
  readonly clusters: number;
  /** How many of a cluster's providers each level takes, in proportion; level 1 first. */
  readonly shares: readonly number[];
  readonly neighbours: number;
  readonly balance: number;
  readonly seed: string;
  /** null: the attributes are public, and are taken as they are. */
  readonly privacy: {
    readonly epsilonMicro: number;
    readonly deltaPico: number;
    readonly clip: number;
  } | null;
}

/** One area on its way through the steps. */
export interface AreaRun {
  readonly area: Area;
  /** The attributes that the rest may look at; null: not there yet. */
  readonly points: Float64Array | null;
  readonly noise: Omit<NoisedAttributes, 'points'> | null;
  readonly classified: Extract<Classified, { ok: true }> | null;
}

export interface Step {
  readonly name: string;
  readonly run: (state: AreaRun, options: PipelineOptions) => AreaRun;
}

/** An area whose providers have no clusters of this kind. */
export class PipelineError extends Error {
  override readonly name = 'PipelineError';
  readonly code = 'not-converged';
}

/**
 * What is done with each area, in this order. A step takes what those before it made: what replaces the attributes
 * (synthetic records) stands before "levels", what allocates by levels behind it.
 */
export const steps: readonly Step[] = [
  { name: 'noised attributes', run: releaseAttributes },
  { name: 'graph, clusters, influence and levels', run: classify },
];

/** Runs all steps on an area. `onStep` hears of each before it begins. Throws PipelineError. */
export function runSteps(area: Area, options: PipelineOptions, onStep: (name: string) => void): AreaRun {
  let state: AreaRun = { area, points: null, noise: null, classified: null };
  for (const { name, run } of steps) {
    onStep(name);
    state = run(state, options);
  }
  return state;
}

function releaseAttributes(state: AreaRun, { privacy }: PipelineOptions): AreaRun {
  const { points, dimensions } = state.area;
  if (privacy === null) return { ...state, points };
  const random = (bytes: number): Uint8Array => new Uint8Array(randomBytes(bytes));
  const { points: noised, ...noise } = noisedAttributes(points, { dimensions, ...privacy }, random);
  return { ...state, points: noised, noise };
}

function classify(state: AreaRun, { clusters, shares, neighbours, balance, seed }: PipelineOptions): AreaRun {
  const { name, dimensions } = state.area;
  const found = classifyProviders(state.points!, {
    dimensions,
    neighbours,
    sigma: 'local',
    clusters,
    balance,
    weights: evenWeights,
    shares,
    seed: concatBytes(utf8ToBytes(`pmta ${name} `), utf8ToBytes(seed)),
  });
  if (found.ok) return { ...state, classified: found };
  throw new PipelineError(`area ${name}: the eigenvectors did not converge (residual ${found.residual})`);
}
