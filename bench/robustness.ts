/**
 * Does verification find devices that flip their labels, and what does it cost the honest? Logistic regression on
 * Pima and WDBC, 20 devices of which 6 flip, 53 rounds, random 70:30 splits 0 to 19, IID.
 *
 * Every setting beside an oracle that keeps only the 14 honest devices and beside the clean run of all 20 under the
 *   default rule; with and without noise (σ 8.9 is worth ε = 3 at δ = 1e-4 for 53 rounds). Accuracy is that of
 *   the last model on the test part, mean ± standard deviation over the splits. "Refused at the end": by the last
 *   round, or on the blacklist before it.
 * Run: npm run bench -- robustness [splits = 20] [dataset] [none | 3] [rule]: one dataset, ε or rule only.
 *   Everything is seeded.
 */
import { calibrateSigma16 } from '../fl/index.js';
import type { Row } from './row.js';
import { type DatasetName, splitOf } from './study/data.js';
import { meanAndDeviation, plusMinus } from './study/mean.js';
import { defaultRules, type Rules, type Run, simulate } from './study/network.js';
import { shardsOf } from './study/partition.js';
import { ATTACKERS, DEVICES, learningRates, ROUNDS, scenarios } from './study/task.js';

const HONEST = DEVICES - ATTACKERS;
const EPSILON_3 = { epsilonMicro: 3_000_000, deltaPico: 100_000_000, rounds: ROUNDS };

const rules: Readonly<Record<string, Rules>> = {
  none: { ...defaultRules, rule: 'none' },
  'multi-krum ±1, fixed f': { ...defaultRules, rule: 'multi-krum', reputation: 'paper', fixedF: true },
  'multi-krum': { ...defaultRules, rule: 'multi-krum' },
  alignment: defaultRules,
};

/** By how much the last model may be behind the oracle or the clean run, in points of accuracy. */
const GOALS: Readonly<Record<string, { readonly behind: 'oracle' | 'clean'; readonly points: number }>> = {
  'pima from the start': { behind: 'oracle', points: 0.3 },
  'wdbc from the start': { behind: 'oracle', points: 0.3 },
  'pima from half-way': { behind: 'clean', points: 0.7 },
  'wdbc from half-way': { behind: 'clean', points: 0.4 },
  'pima every third round': { behind: 'clean', points: 0.7 },
  'wdbc every third round': { behind: 'clean', points: 0.4 },
};
/** How many of the six must be found. */
const FOUND: Readonly<Record<string, number>> = {
  'pima from the start': 6,
  'wdbc from the start': 6,
  'wdbc from half-way': 6,
};

export function robustness(args: readonly string[]): readonly Row[] {
  const splits = Number(args[0] ?? 20);
  const datasets = (args[1] === undefined ? ['pima', 'wdbc'] : [args[1]]) as DatasetName[];
  const sigmas = { none: 0, 3: calibrateSigma16(EPSILON_3) / 65_536 };
  return datasets.flatMap((dataset) =>
    Object.entries(sigmas)
      .filter(([epsilon]) => epsilon === (args[2] ?? epsilon))
      .flatMap(([, sigma]) => studyOf(dataset, sigma, splits, args[3] ?? null)),
  );
}

function studyOf(dataset: DatasetName, sigma: number, splits: number, only: string | null): readonly Row[] {
  const base = { rounds: ROUNDS, sigma, learningRate: learningRates[dataset], attackers: ATTACKERS };
  const runsOf = (of: Rules, scenario: (typeof scenarios)[string], oracle = false): Run[] =>
    Array.from({ length: splits }, (_, seed) => {
      const split = splitOf(dataset, seed);
      const shards = shardsOf(split, DEVICES, 'iid', seed);
      return simulate(split, shards, { ...of, ...base, ...scenario, oracle }, seed);
    });
  const clean = runsOf(defaultRules, scenarios.clean!);
  const oracle = runsOf(rules.none!, scenarios.clean!, true);
  const beside = { clean: points(clean), oracle: points(oracle) };
  return Object.entries(scenarios).flatMap(([scenario, attack]) =>
    Object.entries(rules).flatMap(([rule, of]) => {
      if (rule !== (only ?? rule)) return [];
      const runs = of === defaultRules && attack.attack === null ? clean : runsOf(of, attack);
      const name = `${dataset}, ${sigma === 0 ? 'no noise' : 'epsilon 3'}, ${scenario}, ${rule}`;
      const judged = sigma === 0 && of === defaultRules ? `${dataset} ${scenario}` : null;
      return rowsOf(name, runs, attack.attack !== null, judged, beside);
    }),
  );
}

/** `judged` is the setting whose goals are to be met, null where figures are only reported. */
function rowsOf(
  name: string,
  runs: readonly Run[],
  attacked: boolean,
  judged: string | null,
  beside: Readonly<Record<'clean' | 'oracle', readonly number[]>>,
): Row[] {
  const mean = (pick: (run: Run) => number) => meanAndDeviation(runs.map(pick)).mean;
  const row = (what: string, value: number, unit: string, goal: string | null, met: boolean): Row => ({
    name: `${name}: ${what}`,
    value,
    unit,
    goal,
    met: goal === null ? null : met,
    reference: null,
  });
  const found = mean((run) => run.found);
  const out = mean((run) => run.honestOut);
  const refused = mean((run) => run.honestRefusedAtEnd);
  const accuracy = points(runs);
  const goal = judged === null ? undefined : GOALS[judged];
  const behind = goal === undefined ? 0 : meanOf(beside[goal.behind]) - meanOf(accuracy);
  const wanted = judged === null ? undefined : FOUND[judged];
  const honest = attacked ? HONEST : DEVICES;
  const startOnly = judged?.endsWith('start') ?? false;
  return [
    ...(attacked
      ? [
          row(
            'found',
            found,
            `of ${ATTACKERS}`,
            wanted === undefined ? null : `= ${wanted}`,
            found === wanted,
          ),
        ]
      : []),
    row(
      'honest blacklisted',
      out,
      `of ${honest}`,
      judged === null ? null : attacked ? '<= 0.2' : '= 0',
      attacked ? out <= 0.2 : out === 0,
    ),
    row('honest refused at the end', refused, `of ${honest}`, startOnly ? '<= 0.1' : null, refused <= 0.1),
    row(
      'updates of honest devices refused',
      mean((run) => run.honestRefusals),
      'a task',
      null,
      true,
    ),
    {
      name: `${name}: accuracy`,
      value: meanOf(accuracy),
      unit: '%',
      goal: goal === undefined ? null : `at most ${goal.points} behind ${goal.behind}`,
      met: goal === undefined ? null : behind <= goal.points,
      reference: `${plusMinus(accuracy)}; oracle ${plusMinus(beside.oracle)}, clean ${plusMinus(beside.clean)}`,
    },
  ];
}

function points(runs: readonly Run[]): number[] {
  return runs.map(({ accuracy }) => 100 * accuracy);
}

function meanOf(values: readonly number[]): number {
  return meanAndDeviation(values).mean;
}
