import { randomBytes } from 'node:crypto';
import { concatBytes, type RandomBytes, utf8ToBytes } from '../../crypto/index.js';
import type { DataSchema } from '../../fl/index.js';
import {
  type Classified,
  classifyProviders,
  evenWeights,
  type NoisedAttributes,
  nearestLevels,
  noisedAttributes,
  randomisedLevels,
  syntheticRecords,
} from '../../pmta/index.js';
import { type Allocation, type AreaReports, levelsByReports } from './allocation.js';
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
  readonly privacy: NoisePrivacy | SyntheticPrivacy | null;
}

/** Each provider's attributes with noise of their own. */
export interface NoisePrivacy {
  readonly kind: 'noised';
  readonly epsilonMicro: number;
  readonly deltaPico: number;
  readonly clip: number;
}

/** Records that a generator makes of all of an area's attributes; a provider takes the level of the nearest one, by lot. */
export interface SyntheticPrivacy {
  readonly kind: 'synthetic';
  /** Of the generator. */
  readonly epsilonMicro: number;
  readonly deltaPico: number;
  /** Of the lot, beside it: what a provider's level tells of its own attributes. */
  readonly assignMicro: number;
  readonly schema: DataSchema;
}

/** Of ε, what levels given by lot take if nobody says: chosen on seeds 100 to 104 (docs/pmta.md). */
export const ASSIGN_SHARE = 0.5;

/** One area on its way through the steps. */
export interface AreaRun {
  readonly area: Area;
  /** What was read and reported; null: levels are those of the influence. */
  readonly reports: AreaReports | null;
  /** The attributes that the rest may look at, of the providers or of records in their stead; null: not there yet. */
  readonly points: Float64Array | null;
  readonly noise: Omit<NoisedAttributes, 'points'> | null;
  /** Of the points. */
  readonly classified: Extract<Classified, { ok: true }> | null;
  /** [providers]; null: not there yet. */
  readonly levels: Uint8Array | null;
  /** Of levels from reports. */
  readonly allocation: Allocation | null;
}

export interface Step {
  readonly name: string;
  /** Left out: it always has something to do. */
  readonly isWanted?: (state: AreaRun) => boolean;
  readonly run: (state: AreaRun, options: PipelineOptions, random: RandomBytes) => AreaRun;
}

/** An area whose providers have no clusters of this kind. */
export class PipelineError extends Error {
  override readonly name = 'PipelineError';
  readonly code = 'not-converged';
}

/** What is done with each area, in this order. A step takes what those before it made. */
export const steps: readonly Step[] = [
  { name: 'attributes that may be looked at', run: releaseAttributes },
  { name: 'graph, clusters, influence and levels', run: classify },
  { name: 'levels of the providers', run: assign },
  { name: 'classes from leak reports', isWanted: ({ reports }) => reports !== null, run: allocate },
];

const osRandom: RandomBytes = (bytes) => new Uint8Array(randomBytes(bytes));

/**
 * Runs all steps on an area, with what was read and reported in it. `onStep` hears of each before it begins.
 * Throws PipelineError.
 * random: of all noise; another source than the system's is for studies alone, whose results nobody publishes.
 */
export function runSteps(
  area: Area,
  reports: AreaReports | null,
  options: PipelineOptions,
  onStep: (name: string) => void,
  random: RandomBytes = osRandom,
): AreaRun {
  const none = { points: null, noise: null, classified: null, levels: null, allocation: null };
  let state: AreaRun = { area, reports, ...none };
  for (const { name, isWanted, run } of steps) {
    if (isWanted?.(state) === false) continue;
    onStep(name);
    state = run(state, options, random);
  }
  return state;
}

function releaseAttributes(state: AreaRun, { privacy }: PipelineOptions, random: RandomBytes): AreaRun {
  const { points, dimensions } = state.area;
  if (privacy === null) return { ...state, points };
  if (privacy.kind === 'synthetic') return { ...state, points: syntheticRecords(points, privacy, random) };
  const { points: noised, ...noise } = noisedAttributes(points, { dimensions, ...privacy }, random);
  return { ...state, points: noised, noise };
}

/** Where records stood in for the providers, the only look at a provider's own attributes: by lot, and charged. */
function assign(state: AreaRun, { privacy, shares }: PipelineOptions, random: RandomBytes): AreaRun {
  const { levels } = state.classified!;
  if (privacy?.kind !== 'synthetic') return { ...state, levels };
  const { points, dimensions } = state.area;
  const own = nearestLevels(points, state.points!, levels, dimensions);
  return { ...state, levels: randomisedLevels(own, shares.length, privacy.assignMicro, random) };
}

/** By what providers did: of their attributes the network is shown the clusters alone. */
function allocate(state: AreaRun, options: PipelineOptions): AreaRun {
  const { area, reports, classified } = state;
  const { clusters } = classified!;
  return { ...state, ...levelsByReports({ name: area.name, clusters }, reports!, options) };
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
