import { type AlignmentThresholds, alignmentThresholds } from '../../fl/index.js';
import { type Case, casesOf, runAll } from '../study/cases.js';
import type { DatasetName } from '../study/data.js';
import { defaultRules, type Run } from '../study/network.js';
import { ATTACKERS, learningRates, ROUNDS, scenarios } from '../study/task.js';
import { BACKEND } from './figures.js';
import { type Cell, percent, type Section } from './section.js';

const DATASETS: readonly DatasetName[] = ['pima', 'wdbc'];
const OFF = 2 ** 30;
/** One label a device, or nearly: what hospitals that contradict each other look like. */
const SKEWED = 'clean, Dirichlet 0.1';

/** Alignment's own lines, the design's, and each line moved by itself; with what it can make a difference to. */
const own = alignmentThresholds();
const tried: readonly {
  readonly name: string;
  readonly lines: AlignmentThresholds;
  readonly under: readonly string[];
}[] = [
  { name: 'as they are', lines: own, under: [...Object.keys(scenarios), SKEWED] },
  {
    name: '−1/4, 3 medians, no third test',
    lines: { ...own, opposing16: 4, distanceTenths: 30, turningQuarters: OFF },
    under: [...Object.keys(scenarios), SKEWED],
  },
  ...[2, 4].map((opposing16) => ({
    name: `opposes below −${opposing16}/16`,
    lines: { ...own, opposing16 },
    under: ['from the start', SKEWED],
  })),
  ...[30, 50].map((distanceTenths) => ({
    name: `distant beyond ${distanceTenths / 10} medians`,
    lines: { ...own, distanceTenths },
    under: ['clean', 'from half-way', SKEWED],
  })),
  ...[4, 6, 8].map((turningQuarters) => ({
    name: `turned beyond ${turningQuarters}/4`,
    lines: { ...own, turningQuarters },
    under: ['clean', 'from half-way', 'every third round'],
  })),
];

/**
 * Why alignment's lines lie where they lie. Read it so: first the honest, then the attackers. A line with which honest
 * devices of a clean task end on the blacklist is out; of the others the one that finds most.
 */
export const calibration: Section = {
  name: 'calibration',
  title: 'Where alignment draws its lines',
  method: [
    'On seeds 100 to 119, no noise, 20 devices of which 6 flip, 53 rounds, as in the section on flips. Each line of the rule is moved by itself; the first row of each table is the rule as it is. *Dirichlet 0.1*: each label’s records are dealt by shares of that distribution, so most devices hold almost only one label. A line is chosen by the honest first: in a clean task with even shares nobody may end on the blacklist; then by the flippers that it finds.',
    'Here −1/16 and −1/4 hardly differ; −1/16 and four medians were chosen for unlike hospitals, on ten splits from seed 100 on of the heart-disease data, where they found 6.0 of 6 flippers and others 5.5 to 6.0.',
  ],
  seeded: true,
  tunes: true,
  run: ({ tuning, say }) => ({
    backend: BACKEND,
    rows: [],
    plots: [],
    tables: DATASETS.map((dataset) => {
      const even = casesOf(dataset, tuning);
      const skewed = casesOf(dataset, tuning, 'dirichlet-0.1');
      return {
        title: dataset === 'pima' ? 'Pima' : 'WDBC',
        columns: ['lines', 'flips', `found, of ${ATTACKERS}`, 'honest blacklisted', 'accuracy'],
        rows: tried.flatMap(({ name, lines, under }) =>
          under.map((scenario): Cell[] => {
            say(`${dataset}, ${name}, ${scenario}`);
            const runs = play(scenario === SKEWED ? skewed : even, dataset, lines, scenario);
            return rowOf(name, scenario, runs);
          }),
        ),
      };
    }),
  }),
};

function play(
  cases: readonly Case[],
  dataset: DatasetName,
  thresholds: AlignmentThresholds,
  scenario: string,
): Run[] {
  const given = { ...defaultRules, rounds: ROUNDS, sigma: 0, learningRate: learningRates[dataset] };
  const attack = scenarios[scenario] ?? scenarios.clean!;
  return runAll(cases, { ...given, ...attack, thresholds, attackers: ATTACKERS });
}

function rowOf(name: string, scenario: string, runs: readonly Run[]): Cell[] {
  const mean = (pick: (run: Run) => number): Cell => ({ values: runs.map(pick), digits: 2, mean: true });
  return [
    name,
    scenario,
    (scenarios[scenario]?.attack ?? null) === null ? '' : mean((run) => run.found),
    mean((run) => run.honestOut),
    percent(runs.map(({ accuracy }) => accuracy)),
  ];
}
