/**
 * Every attack against every rule: 4 of 20 devices are one attacker that knows all honest updates, Pima and WDBC,
 * dealt evenly (IID) and by Dirichlet shares of each label (0.1), no noise, 53 rounds, splits 0 to 19.
 *
 * One row a setting: accuracy of the last model in per cent, with its deviation over the splits, the devices found
 *   and the honest ones blacklisted; under a backdoor also how many negatives the trigger turns into positives.
 * Run: npm run bench -- attacks [splits = 20] [dataset] [partition]. Everything is seeded.
 */
import { type AttackName, attacks as allAttacks } from '../fl/index.js';
import type { Row } from './row.js';
import { type DatasetName, splitOf } from './study/data.js';
import { meanAndDeviation, plusMinus } from './study/mean.js';
import { defaultRules, type Rules, type Run, simulate } from './study/network.js';
import { type Partition, shardsOf } from './study/partition.js';
import { DEVICES, learningRates, ROUNDS } from './study/task.js';

const ATTACKERS = 4;

const plain: Rules = { ...defaultRules, rule: 'none' };
export const rules: Readonly<Record<string, Rules>> = {
  alignment: defaultRules,
  'alignment behind mixing': { ...defaultRules, front: 'nearest-neighbour-mixing' },
  'alignment behind bucketing': { ...defaultRules, front: 'bucketing' },
  'multi-krum': { ...defaultRules, rule: 'multi-krum' },
  'multi-krum behind mixing': { ...defaultRules, rule: 'multi-krum', front: 'nearest-neighbour-mixing' },
  'multi-krum behind bucketing': { ...defaultRules, rule: 'multi-krum', front: 'bucketing' },
  mean: plain,
  median: { ...plain, aggregation: 'median' },
  'trimmed mean': { ...plain, aggregation: 'trimmed-mean' },
  'trimmed mean behind mixing': { ...plain, aggregation: 'trimmed-mean', front: 'nearest-neighbour-mixing' },
  'geometric median': { ...plain, aggregation: 'geometric-median' },
  'centred clipping': { ...plain, aggregation: 'centred-clipping' },
};

/** Points that the default rule may lose against the clean mean, IID; of the others no goal is set. */
export const LOSS_MAX = 3;
export const judgedAttacks: readonly AttackName[] = ['label-flip', 'sign-flip', 'gaussian', 'ipm', 'alie'];

export function attacks(args: readonly string[]): readonly Row[] {
  const splits = Number(args[0] ?? 20);
  const datasets = (args[1] === undefined ? ['pima', 'wdbc'] : [args[1]]) as DatasetName[];
  const partitions = (args[2] === undefined ? ['iid', 'dirichlet-0.1'] : [args[2]]) as Partition[];
  return datasets.flatMap((dataset) => partitions.flatMap((how) => tableOf(dataset, how, splits)));
}

function tableOf(dataset: DatasetName, how: Partition, splits: number): Row[] {
  const cases = Array.from({ length: splits }, (_, seed) => {
    const split = splitOf(dataset, seed);
    return { seed, split, shards: shardsOf(split, DEVICES, how, seed) };
  });
  const runsOf = (of: Rules, attack: AttackName | null): Run[] =>
    cases.map(({ seed, split, shards }) => {
      const rest = { rounds: ROUNDS, sigma: 0, learningRate: learningRates[dataset], attackers: ATTACKERS };
      return simulate(split, shards, { ...of, ...rest, attack, fromRound: 1, oracle: false }, seed);
    });
  const clean = meanAndDeviation(runsOf(plain, null).map(({ accuracy }) => 100 * accuracy)).mean;
  const names: (AttackName | null)[] = [null, ...(Object.keys(allAttacks) as AttackName[])];
  return names.flatMap((attack) =>
    Object.entries(rules).map(([rule, of]) =>
      rowOf(`${dataset}, ${how}, ${attack ?? 'clean'}, ${rule}`, runsOf(of, attack), {
        attack,
        clean,
        isJudged: of === defaultRules && how === 'iid' && attack !== null && judgedAttacks.includes(attack),
      }),
    ),
  );
}

function rowOf(
  name: string,
  runs: readonly Run[],
  about: { readonly attack: AttackName | null; readonly clean: number; readonly isJudged: boolean },
): Row {
  const mean = (pick: (run: Run) => number) => meanAndDeviation(runs.map(pick)).mean;
  const accuracies = runs.map(({ accuracy }) => 100 * accuracy);
  const { mean: value } = meanAndDeviation(accuracies);
  const told = [
    plusMinus(accuracies),
    ...(about.attack === null ? [] : [`found ${mean((run) => run.found).toFixed(2)} of ${ATTACKERS}`]),
    `honest out ${mean((run) => run.honestOut).toFixed(2)}`,
    ...(about.attack === 'backdoor'
      ? [`trigger works on ${(100 * mean((run) => run.triggered)).toFixed(1)} %`]
      : []),
  ];
  return {
    name,
    value,
    unit: '%',
    goal: about.isJudged ? `at most ${LOSS_MAX} below ${about.clean.toFixed(1)}` : null,
    met: about.isJudged ? about.clean - value <= LOSS_MAX : null,
    reference: told.join(', '),
  };
}
