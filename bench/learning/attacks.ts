import { type AttackName, attacks as allAttacks } from '../../fl/index.js';
import { judgedAttacks, LOSS_MAX, rules } from '../attacks.js';
import type { Row } from '../row.js';
import { digitsSplit } from '../study/digits.js';
import { meanAndDeviation, plusMinus } from '../study/mean.js';
import { type Rules, type Run, simulate } from '../study/network.js';
import { type Partition, shardsOf } from '../study/partition.js';
import { DEVICES, ROUNDS } from '../study/task.js';
import { type Context, type Measured, percent, type Section, type Table } from './section.js';

const ATTACKERS = 4;
const RATES = [4, 6, 8, 12];
/** So many of the tuning seeds decide which. */
const TUNING = 3;
const DEFAULT = 'alignment';
const MEAN = 'mean';
/** Splits of the default rule and of the plain mean, whose difference is judged, and of all others. */
const SPLITS = { judged: 5, others: 2 };
const CLEAN_LOSS_MAX = 2;

type Scenario = AttackName | 'clean';
const scenarios: readonly Scenario[] = ['clean', ...(Object.keys(allAttacks) as AttackName[])];
const partitions: Readonly<Record<Partition, string>> = { iid: 'IID', 'dirichlet-0.1': 'Dirichlet 0.1' };

/** Runs of one partition: by rule, then by attack. */
type Runs = Readonly<Record<string, Readonly<Record<Scenario, readonly Run[]>>>>;

export const attacksSection: Section = {
  name: 'attacks',
  title: 'Every attack and every rule, digits',
  method: [
    `Softmax regression (650 weights) on the 8 × 8 digits, ten classes, dealt to ${DEVICES} devices evenly (IID) or by Dirichlet shares of each class with parameter 0.1 (most devices hold one to three classes; three records at least). ${ATTACKERS} devices are one attacker that knows every honest update of the round. ${ROUNDS} rounds of one step, each record clipped to norm 1, no noise; the learning rate is the one of ${RATES.join(', ')} with the highest accuracy of the default rule under label flip, IID, on seeds 100 to ${99 + TUNING} (without an attack 12 is a point more accurate). The backdoor's trigger is four times as strong as a pixel can be.`,
    `The default rule (alignment) and the plain mean (FedAvg) are measured on splits 0 to ${SPLITS.judged - 1}, all other rules on splits 0 and ${SPLITS.others - 1}: all of it on 20 would take hours. A rule's name alone means that it stands before the mean, or in place of it. Under the plain mean one step a round gives the same model however the records are dealt, so its clean runs are equal.`,
  ],
  seeded: false,
  run: (context) => {
    const rate = chooseRate(context.tuning);
    context.say(`learning rate ${rate}`);
    const found = (Object.keys(partitions) as Partition[]).map((how) => ({
      how,
      runs: runAll(how, rate, context),
    }));
    return {
      backend: 'float64 in JavaScript',
      rows: [
        { name: 'learning rate', value: rate, unit: '', goal: null, met: null, reference: null },
        ...found.flatMap(({ how, runs }) => rowsOf(how, runs)),
      ],
      tables: found.flatMap(({ how, runs }) => [defaultTable(how, runs), allTable(how, runs)]),
      plots: [],
    } satisfies Measured;
  },
};

function chooseRate(seeds: readonly number[]): number {
  const means = RATES.map((rate) =>
    mean(
      accuracies(
        seeds.slice(0, TUNING).map((seed) => runOne('iid', rules[DEFAULT]!, 'label-flip', rate, seed)),
      ),
    ),
  );
  return RATES[means.indexOf(Math.max(...means))]!;
}

function runAll(how: Partition, rate: number, { seeds, say }: Context): Runs {
  return Object.fromEntries(
    Object.entries(rules).map(([rule, of]) => {
      const splits = rule === DEFAULT || rule === MEAN ? SPLITS.judged : SPLITS.others;
      const byAttack = scenarios.map((scenario) => {
        const runs = seeds.slice(0, splits).map((seed) => runOne(how, of, scenario, rate, seed));
        say(`${how}, ${rule}, ${scenario}: ${plusMinus(accuracies(runs).map((share) => 100 * share))}`);
        return [scenario, runs];
      });
      return [rule, Object.fromEntries(byAttack)];
    }),
  );
}

function runOne(how: Partition, of: Rules, scenario: Scenario, learningRate: number, seed: number): Run {
  const split = digitsSplit(seed);
  const attack = scenario === 'clean' ? null : scenario;
  const rest = { rounds: ROUNDS, sigma: 0, learningRate, attackers: ATTACKERS, fromRound: 1, oracle: false };
  return simulate(split, shardsOf(split, DEVICES, how, seed), { ...of, ...rest, attack }, seed);
}

function rowsOf(how: Partition, runs: Runs): Row[] {
  const clean = mean(runs[MEAN]!.clean.map(({ accuracy }) => accuracy));
  return scenarios.map((scenario): Row => {
    const own = runs[DEFAULT]![scenario];
    const points = 100 * (clean - mean(accuracies(own)));
    const most = mostLost(how, scenario);
    const trigger =
      scenario === 'backdoor'
        ? `; the trigger turns ${shareText(own)}, ${shareText(runs[MEAN]!.backdoor)} under the mean`
        : '';
    return {
      name: `${partitions[how]}, ${scenario}: lost by the default rule to the clean mean`,
      value: points,
      unit: 'points',
      goal: most === null ? null : `<= ${most}`,
      met: most === null ? null : points <= most,
      reference: `the mean loses ${(100 * (clean - mean(accuracies(runs[MEAN]![scenario])))).toFixed(1)}${trigger}`,
    };
  });
}

function mostLost(how: Partition, scenario: Scenario): number | null {
  if (how === 'iid') return scenario !== 'clean' && judgedAttacks.includes(scenario) ? LOSS_MAX : null;
  return scenario === 'clean' ? CLEAN_LOSS_MAX : null;
}

/** Under the default rule: who was found, and what it cost. */
function defaultTable(how: Partition, runs: Runs): Table {
  return {
    title: `${partitions[how]}: the default rule beside the plain mean`,
    columns: [
      'attack',
      'accuracy, %',
      'found of 4',
      `honest on the blacklist, of 16 (clean: 20)`,
      'honest updates refused a task',
      'trigger works on, %',
      'the mean’s accuracy, %',
      'and trigger, %',
    ],
    rows: scenarios.map((scenario) => {
      const own = runs[DEFAULT]![scenario];
      const beside = runs[MEAN]![scenario];
      const triggers = scenario === 'backdoor';
      return [
        scenario,
        percent(accuracies(own)),
        scenario === 'clean' ? '' : { values: own.map(({ found }) => found), digits: 1, mean: true },
        { values: own.map(({ honestOut }) => honestOut), digits: 1, mean: true },
        { values: own.map(({ honestRefusals }) => honestRefusals), digits: 1, mean: true },
        triggers ? percent(own.map(({ triggered }) => triggered)) : '',
        percent(accuracies(beside)),
        triggers ? percent(beside.map(({ triggered }) => triggered)) : '',
      ];
    }),
  };
}

/** Mean accuracies of all rules under all attacks, and how often the backdoor's trigger works. */
function allTable(how: Partition, runs: Runs): Table {
  return {
    title: `${partitions[how]}: accuracy in % under every rule`,
    columns: ['rule', ...scenarios, 'backdoor’s trigger works on'],
    rows: Object.entries(runs).map(([rule, byAttack]) => [
      rule,
      ...scenarios.map((scenario) => ({ ...percent(accuracies(byAttack[scenario])), mean: true as const })),
      { ...percent(byAttack.backdoor.map(({ triggered }) => triggered)), mean: true },
    ]),
  };
}

function accuracies(runs: readonly Run[]): number[] {
  return runs.map(({ accuracy }) => accuracy);
}

function shareText(runs: readonly Run[]): string {
  return `${(100 * mean(runs.map(({ triggered }) => triggered))).toFixed(1)} %`;
}

function mean(values: readonly number[]): number {
  return meanAndDeviation(values).mean;
}
