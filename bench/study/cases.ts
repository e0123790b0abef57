import type { Records } from '../../fl/index.js';
import { type DatasetName, type Split, splitOf } from './data.js';
import type { Rules, Run, Setting } from './network.js';
import { simulate } from './network.js';
import { type Partition, shardsOf } from './partition.js';
import { DEVICES } from './task.js';

/** A split and its devices' shares. */
export interface Case {
  readonly seed: number;
  readonly split: Split;
  readonly shards: readonly Records[];
}

/** Of all features but those named in `without`. */
export function casesOf(
  dataset: DatasetName,
  seeds: readonly number[],
  how: Partition = 'iid',
  without: readonly string[] = [],
): Case[] {
  return seeds.map((seed) => {
    const split = splitOf(dataset, seed, without);
    return { seed, split, shards: shardsOf(split, DEVICES, how, seed) };
  });
}

/** What a study leaves open of a setting. */
export type Given = Rules &
  Pick<Setting, 'rounds' | 'sigma' | 'learningRate'> &
  Partial<Omit<Setting, keyof Rules>>;

/** One task a case. */
export function runAll(cases: readonly Case[], given: Given): Run[] {
  const rest = { attack: null, fromRound: 1, attackers: 0, oracle: false };
  return cases.map(({ seed, split, shards }) => simulate(split, shards, { ...rest, ...given }, seed));
}
