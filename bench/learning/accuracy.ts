import { casesOf, runAll } from '../study/cases.js';
import { type DatasetName, splitOf } from '../study/data.js';
import { accuracyOf, centralFit } from '../study/logistic.js';
import { defaultRules, type Run } from '../study/network.js';
import { type Chosen, readChosen } from './chosen.js';
import { accuracies, BACKEND, goalRow } from './figures.js';
import { type Cell, type Context, type Measured, percent, type Section } from './section.js';

interface Wanted {
  readonly problem: string;
  readonly name: string;
  readonly goal: number;
  readonly paper: number | null;
}

const METHOD = [
  'Logistic regression over 20 devices that hold even shares, the default rule on guard, whole rounds as the chain closes them. Rounds, learning rate, clipping threshold, momentum and, for Pima with noise, how many of the three features that most patients lack are left out, by `npm run bench -- choose` (bench/learning/chosen.json). ε is that of one record (zero-out), each device’s noise its own, δ = 1e-4.',
  'Beside it *central*: logistic regression with all training records at one place, ridge 1, no privacy. That is what an honest protocol can come near, not what the paper prints.',
];

export const pima = accuracySection(
  'pima',
  'Pima: accuracy with and without noise',
  [
    { problem: 'pima', name: 'no noise', goal: 76.3, paper: 84.5 },
    { problem: 'pima-3', name: 'ε = 3', goal: 75.4, paper: 82.7 },
  ],
  [
    'Published accuracies of 82 to 88 % on Pima come from leaks, mostly missing values filled in by class before the split, or from one lucky split: the deviation from split to split alone is above two points.',
  ],
);

export const wdbc = accuracySection(
  'wdbc',
  'WDBC: accuracy with and without noise',
  [
    { problem: 'wdbc', name: 'no noise', goal: 97, paper: null },
    { problem: 'wdbc-3', name: 'ε = 3', goal: 95, paper: null },
    { problem: 'wdbc-1', name: 'ε = 1', goal: 92.8, paper: null },
  ],
  [
    'The schema’s centres and scales are rounded from what is published about this very table; ε counts the training and not that choice.',
  ],
);

function accuracySection(
  name: DatasetName,
  title: string,
  wanted: readonly Wanted[],
  remarks: readonly string[],
): Section {
  return {
    name,
    title,
    method: [...METHOD, ...remarks],
    seeded: true,
    run: (context) => measure(name, wanted, context),
  };
}

function measure(dataset: DatasetName, wanted: readonly Wanted[], { seeds, say }: Context): Measured {
  const central = centralAccuracies(dataset, seeds);
  const found = wanted.map((one) => {
    const chosen = readChosen(one.problem);
    say(one.name);
    return { ...one, chosen, runs: runChosen(dataset, seeds, chosen) };
  });
  return {
    backend: BACKEND,
    rows: found.map(({ name, goal, runs, paper }) =>
      goalRow(
        `accuracy, ${name}`,
        accuracies(runs),
        '%',
        { least: goal },
        paper === null ? null : `paper ${paper}`,
      ),
    ),
    tables: [
      {
        title: '',
        columns: [
          '',
          'accuracy',
          'the paper',
          'honest devices blacklisted',
          'rounds',
          'σ',
          'C',
          'η',
          'β',
          'without',
        ],
        rows: [
          ['central', percent(central), '', '', '', '', '', '', '', ''],
          ...found.map(({ name, runs, paper, chosen }): Cell[] => [
            name,
            percent(runs.map(({ accuracy }) => accuracy)),
            paper === null ? '' : `${paper}`,
            { values: runs.map(({ honestOut }) => honestOut), digits: 2, mean: true, unit: 'of 20' },
            ...settingCells(chosen),
            chosen.without.map((name) => name.replace('_', ' ')).join(', '),
          ]),
        ],
      },
    ],
    plots: [
      {
        kind: 'bars',
        id: 'accuracy',
        title: `${dataset === 'pima' ? 'Pima' : 'WDBC'}: accuracy of the last model, mean ± deviation over splits`,
        y: { label: 'accuracy, %', from: dataset === 'pima' ? 60 : 80, to: dataset === 'pima' ? 90 : 100 },
        groups: ['central, no privacy', ...found.map(({ name }) => name)],
        series: [
          {
            name: 'here',
            bars: [central.map((share) => 100 * share), ...found.map(({ runs }) => accuracies(runs))],
          },
          ...(found.some(({ paper }) => paper !== null)
            ? [
                {
                  name: 'the paper prints',
                  bars: [[], ...found.map(({ paper }) => (paper === null ? [] : [paper]))],
                },
              ]
            : []),
        ],
      },
    ],
  };
}

export function runChosen(
  dataset: DatasetName,
  seeds: readonly number[],
  chosen: Chosen,
  unit: 'record' | 'device' = 'record',
): Run[] {
  const { rounds, learningRate, clip, momentum, sigma16 } = chosen;
  const setting = { rounds, learningRate, clip, momentum, sigma: sigma16 / 65_536, unit };
  return runAll(casesOf(dataset, seeds, 'iid', chosen.without), { ...defaultRules, ...setting });
}

export function centralAccuracies(dataset: DatasetName, seeds: readonly number[]): number[] {
  return seeds.map((seed) => {
    const { train, test, inputs } = splitOf(dataset, seed);
    return accuracyOf(centralFit(train, inputs), test, inputs);
  });
}

export function settingCells({ rounds, sigma16, clip, learningRate, momentum }: Chosen): Cell[] {
  return [
    `${rounds}`,
    sigma16 === 0 ? '0' : (sigma16 / 65_536).toFixed(2),
    `${clip}`,
    `${learningRate}`,
    `${momentum}`,
  ];
}
