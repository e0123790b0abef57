import type { Evidence } from '../leaks.js';

/** An area whose providers are to be classified. Arrays are [providers]. */
export interface Area {
  /** The cluster of each, from 0. */
  readonly clusters: ArrayLike<number>;
  /** Places in each class, class 1 first; all at least 1, together as many as there are providers. */
  readonly sizes: readonly number[];
  /** Providers that read one piece of a task's content. */
  readonly readers: number;
}

/**
 * What a Q-network is shown of a state and an action. Nothing that tells one provider from all others (its influence,
 * how much it read): with a hundred of them a network would learn them by heart.
 */
export const featureNames = [
  'named',
  'suspicion',
  'cluster_named',
  'filled',
  'class',
  'class_named',
  'remaining_named',
] as const;
const OF_PROVIDER = 3;
/** Features lie within ± this. */
export const FEATURE_MOST = 4;

/** Where an allocation stands: classes are filled one after the other. */
export interface State {
  /** [4]: the last features, alike for every action. */
  readonly features: Float64Array;
  /** Providers without a class: the actions, ascending. */
  readonly remaining: readonly number[];
}

/** One step. */
export interface Transition {
  /** [providers][3]: the first features of each action. */
  readonly providers: Float64Array;
  readonly state: State;
  /** The provider that was given the next place. */
  readonly action: number;
  /** The reward of the step, negated: 0 to 1. */
  readonly cost: number;
  /** No provider remains: the end. */
  readonly next: State;
}

/** [providers][3]: what is known of each provider whatever the state. */
export function providerFeatures({ clusters }: Area, evidence: Evidence): Float64Array {
  const rows = new Float64Array(clusters.length * OF_PROVIDER);
  const ofCluster = meansBy(clusters, evidence.named);
  for (let at = 0; at < clusters.length; at++) {
    const rates = [evidence.named[at]!, evidence.suspicion[at]!, ofCluster.get(clusters[at]!)!];
    for (const [index, rate] of rates.entries()) rows[at * OF_PROVIDER + index] = bounded(rate - 1);
  }
  return rows;
}

/** Writes the features of an action in a state into `row`, [7]. */
export function writeFeatures(
  row: Float64Array,
  providers: Float64Array,
  action: number,
  state: State,
): void {
  for (let at = 0; at < OF_PROVIDER; at++) row[at] = providers[action * OF_PROVIDER + at]!;
  row.set(state.features, OF_PROVIDER);
}

export interface Episode {
  /** [providers], from 1. */
  readonly classes: Uint8Array;
  /** Of each step; without `reported` costs are 0. */
  readonly transitions: readonly Transition[];
}

/**
 * Gives every place of every class, class 1 first, to the provider that `choose` names.
 *
 * The state is how far the class is filled, which class it is, and how often those in it and those left were reported;
 * an action is the provider that takes the next place. Of the classes' order nothing depends but that: whoever is left
 * over meets in the last one.
 *
 * reported: [providers], whom the reports of a later span of time name, 1 or 0; what the choice is judged by, and never
 * shown. With m reported among a class of n, its content that the coalition assembles is taken for 1 − (1 − m/n)^r of r
 * readers. A step costs what this grows by; over an episode that adds up to the measured share of all content:
 * Σ cost · r / (n_min · classes) = Σ_classes (1 − (1 − m/n)^r) / classes. n_min is the smallest class's size, so that
 * no step costs more than 1. Cost: O(providers²) choices in all.
 */
export function runEpisode(
  area: Area,
  evidence: Evidence,
  reported: Uint8Array | null,
  choose: (providers: Float64Array, state: State) => number,
): Episode {
  checkArea(area);
  const { sizes, readers } = area;
  const providers = providerFeatures(area, evidence);
  const classes = new Uint8Array(area.clusters.length);
  const transitions: Transition[] = [];
  const scale = Math.min(...sizes) / readers;
  let remaining = [...classes.keys()];
  for (const [at, size] of sizes.entries()) {
    let [named, marked] = [0, 0];
    for (let filled = 0; filled < size; filled++) {
      const state = stateOf(sizes, at, filled, named, remaining, evidence);
      const action = choose(providers, state);
      if (!remaining.includes(action)) throw new RangeError(`provider ${action} has a class, or is none`);
      const worse = marked + (reported?.[action] ?? 0);
      const cost = scale * (unread(marked / size, readers) - unread(worse / size, readers));
      classes[action] = at + 1;
      named += evidence.named[action]!;
      marked = worse;
      remaining = remaining.filter((other) => other !== action);
      const next =
        filled + 1 < size
          ? stateOf(sizes, at, filled + 1, named, remaining, evidence)
          : stateOf(sizes, at + 1, 0, 0, remaining, evidence);
      transitions.push({ providers, state, action, cost, next });
    }
  }
  return { classes, transitions };
}

/** The share of the content that those reported would assemble: what an episode's costs add up to, 0 to 1. */
export function shareOfCosts({ sizes, readers }: Area, transitions: readonly Transition[]): number {
  const sum = transitions.reduce((all, { cost }) => all + cost, 0);
  return (sum * readers) / (Math.min(...sizes) * sizes.length);
}

function stateOf(
  sizes: readonly number[],
  at: number,
  filled: number,
  named: number,
  remaining: readonly number[],
  evidence: Evidence,
): State {
  const left = remaining.reduce((sum, provider) => sum + evidence.named[provider]!, 0);
  const features = Float64Array.of(
    filled / (sizes[at] ?? 1),
    sizes.length === 1 ? 0 : at / (sizes.length - 1),
    filled === 0 ? 0 : bounded(named / filled - 1),
    remaining.length === 0 ? 0 : bounded(left / remaining.length - 1),
  );
  return { features, remaining };
}

/** The chance that none of so many readers is of a share. */
function unread(share: number, readers: number): number {
  let chance = 1;
  for (let reader = 0; reader < readers; reader++) chance *= 1 - share;
  return chance;
}

function checkArea({ clusters, sizes, readers }: Area): void {
  const places = sizes.reduce((sum, size) => sum + size, 0);
  const areSizes =
    sizes.length >= 1 &&
    sizes.length <= 255 &&
    sizes.every((size) => Number.isSafeInteger(size) && size >= 1);
  if (!areSizes || places !== clusters.length)
    throw new RangeError(`classes of ${sizes.join(', ')} for ${clusters.length} providers`);
  if (!(Number.isSafeInteger(readers) && readers >= 1)) throw new RangeError(`${readers} readers of a piece`);
}

function meansBy(keys: ArrayLike<number>, values: Float64Array): Map<number, number> {
  const sums = new Map<number, { sum: number; count: number }>();
  for (const [at, value] of values.entries()) {
    const own = sums.get(keys[at]!) ?? { sum: 0, count: 0 };
    sums.set(keys[at]!, { sum: own.sum + value, count: own.count + 1 });
  }
  return new Map([...sums].map(([key, { sum, count }]) => [key, sum / count]));
}

function bounded(value: number): number {
  return Math.max(-FEATURE_MOST, Math.min(FEATURE_MOST, value));
}
