import type { Row } from '../row.js';
import { type Case, casesOf, runAll } from '../study/cases.js';
import type { DatasetName } from '../study/data.js';
import { defaultRules, type Rules, type Run } from '../study/network.js';
import { ATTACKERS, DEVICES, learningRates, ROUNDS, scenarios } from '../study/task.js';
import { sigma16Of } from './choose.js';
import { accuracies, BACKEND, goalRow, meanOf } from './figures.js';
import { type Cell, type Context, type Measured, percent, round, type Section } from './section.js';

const HONEST = DEVICES - ATTACKERS;
const DATASETS: readonly DatasetName[] = ['pima', 'wdbc'];

const PAPER = 'multi-Krum, the paper’s ±1';
const PAPER_TRIED = ['clean', 'from the start'];

const plain: Rules = { ...defaultRules, rule: 'none' };
const rules: Readonly<Record<string, Rules>> = {
  'no rule': plain,
  [PAPER]: { ...defaultRules, rule: 'multi-krum', reputation: 'paper', fixedF: true },
  alignment: defaultRules,
};

const METHOD =
  'Logistic regression, 20 devices with even shares, 53 rounds, records clipped to C = 1, learning rate 1. 6 of 20 turn their labels round: from the start, from round 27, or in every third round. *Oracle*: the 14 honest alone. *Clean*: nobody flips. *Found*: flippers on the blacklist when the task ends. *Refused at the end*: honest devices that the last round refused, or that were on the blacklist by then. Alignment’s lines were chosen on seeds 100 to 119 by `npm run bench -- calibration`.';

export const flip: Section = {
  name: 'flip',
  title: '30 % flip their labels, no noise',
  method: [
    METHOD,
    'Multi-Krum with the paper’s ±1 takes a point for each refusal by rank, and f stays 6 whoever is gone.',
  ],
  seeded: true,
  run: (context) => measure(context, null, Object.keys(rules)),
};

export const flipNoised: Section = {
  name: 'flip-noised',
  title: '30 % flip their labels, ε = 3',
  method: [
    METHOD,
    'With noise of each device’s own, σ = 8.90 for 53 rounds at ε = 3, δ = 1e-4. The noise that hides a patient hides a poisoner: no target but one, the honest.',
  ],
  seeded: true,
  run: (context) => measure(context, 3, ['no rule', 'alignment']),
};

interface Found {
  readonly dataset: DatasetName;
  readonly scenario: string;
  readonly rule: string;
  readonly runs: readonly Run[];
}

function measure({ seeds, say }: Context, epsilon: number | null, names: readonly string[]): Measured {
  const found: Found[] = [];
  for (const dataset of DATASETS) {
    const cases = casesOf(dataset, seeds);
    const sigma = sigma16Of(epsilon, ROUNDS) / 65_536;
    const given = { rounds: ROUNDS, sigma, learningRate: learningRates[dataset], attackers: ATTACKERS };
    const note = (scenario: string, rule: string, of: Rules, oracle: boolean) => {
      say(`${dataset}, ${scenario}, ${rule}`);
      found.push({ dataset, scenario, rule, runs: play(cases, { ...of, ...given, oracle }, scenario) });
    };
    note('clean', 'oracle', plain, true);
    for (const scenario of Object.keys(scenarios))
      for (const rule of names)
        if (rule !== PAPER || PAPER_TRIED.includes(scenario)) note(scenario, rule, rules[rule]!, false);
  }
  return {
    backend: BACKEND,
    rows: DATASETS.flatMap((dataset) => goals(found, dataset, epsilon === null)),
    tables: DATASETS.map((dataset) => tableOf(found, dataset)),
    plots: DATASETS.map((dataset) => ({
      kind: 'bars' as const,
      id: dataset,
      title: `${dataset === 'pima' ? 'Pima' : 'WDBC'}, 6 of 20 flip, ${epsilon === null ? 'no noise' : 'ε = 3'}: the last model`,
      y: { label: 'accuracy, %', from: dataset === 'pima' ? 60 : 80, to: dataset === 'pima' ? 82 : 100 },
      groups: Object.keys(scenarios),
      series: names.map((rule) => ({
        name: rule,
        bars: Object.keys(scenarios).map((scenario) => accuracies(runsOf(found, dataset, scenario, rule))),
      })),
    })),
  };
}

function play(cases: readonly Case[], given: Parameters<typeof runAll>[1], scenario: string): Run[] {
  return runAll(cases, { ...given, ...scenarios[scenario]! });
}

function runsOf(
  found: readonly Found[],
  dataset: DatasetName,
  scenario: string,
  rule: string,
): readonly Run[] {
  return found.find((one) => one.dataset === dataset && one.scenario === scenario && one.rule === rule)!.runs;
}

function tableOf(found: readonly Found[], dataset: DatasetName) {
  const count = (values: readonly number[], digits = 2): Cell => ({ values, digits, mean: true });
  return {
    title: dataset === 'pima' ? 'Pima' : 'WDBC',
    columns: [
      'flips',
      'rule',
      `found, of ${ATTACKERS}`,
      'honest blacklisted',
      'honest refused at the end',
      'updates of honest devices refused',
      'accuracy',
    ],
    rows: found
      .filter((one) => one.dataset === dataset)
      .map(({ scenario, rule, runs }): Cell[] => {
        const isOracle = rule === 'oracle';
        const attacked = scenarios[scenario]!.attack !== null;
        const column = (pick: (run: Run) => number): Cell => (isOracle ? '' : count(runs.map(pick)));
        return [
          isOracle ? '' : scenario,
          isOracle ? 'oracle' : rule,
          attacked ? column((run) => run.found) : '',
          column((run) => run.honestOut),
          column((run) => run.honestRefusedAtEnd),
          column((run) => run.honestRefusals),
          percent(runs.map(({ accuracy }) => accuracy)),
        ];
      }),
  };
}

/** Points that the last model may be behind. */
const BEHIND: Readonly<Record<DatasetName, number>> = { pima: 0.7, wdbc: 0.4 };

function goals(found: readonly Found[], dataset: DatasetName, isQuiet: boolean): Row[] {
  const of = (scenario: string, rule = 'alignment') => runsOf(found, dataset, scenario, rule);
  const oracle = accuracies(runsOf(found, dataset, 'clean', 'oracle'));
  const clean = accuracies(of('clean'));
  const name = (scenario: string, what: string) => `${dataset}, ${scenario}: ${what}`;
  const out = (scenario: string, most: number) =>
    goalRow(
      name(scenario, 'honest blacklisted'),
      of(scenario).map((run) => run.honestOut),
      scenario === 'clean' ? `of ${DEVICES}` : `of ${HONEST}`,
      { most },
    );
  const behind = (scenario: string, beside: readonly number[], what: string, most: number) => {
    const points = accuracies(of(scenario)).map((accuracy, at) => round(beside[at]! - accuracy, 4));
    return goalRow(name(scenario, `accuracy behind ${what}`), points, 'points', { most });
  };
  const caught = (scenario: string) =>
    goalRow(
      name(scenario, 'flippers found'),
      of(scenario).map((run) => run.found),
      `of ${ATTACKERS}`,
      { least: ATTACKERS },
    );
  const attacked = ['from the start', 'from half-way', 'every third round'];
  if (!isQuiet)
    return [
      ...attacked.map((scenario) => out(scenario, 0.2)),
      ...attacked.map((scenario) => cost(dataset, scenario, of(scenario), oracle)),
    ];
  return [
    out('clean', 0),
    caught('from the start'),
    goalRow(
      name('from the start', 'honest refused at the end'),
      of('from the start').map((run) => run.honestRefusedAtEnd),
      `of ${HONEST}`,
      { most: 0.1 },
    ),
    behind('from the start', oracle, 'the oracle', 0.3),
    ...['from half-way', 'every third round'].flatMap((scenario) => [
      behind(scenario, clean, 'the clean run', BEHIND[dataset]),
      out(scenario, 0.2),
    ]),
    ...(dataset === 'wdbc' ? [caught('from half-way')] : []),
  ];
}

/** What is reported without a goal. */
function cost(dataset: DatasetName, scenario: string, runs: readonly Run[], oracle: readonly number[]): Row {
  const value = meanOf(oracle) - meanOf(accuracies(runs));
  return {
    name: `${dataset}, ${scenario}: accuracy behind the oracle`,
    value: round(value, 2),
    unit: 'points',
    goal: null,
    met: null,
    reference: `found ${meanOf(runs.map((run) => run.found)).toFixed(2)} of ${ATTACKERS}`,
  };
}
