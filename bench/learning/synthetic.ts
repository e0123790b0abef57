import { join } from 'node:path';
import {
  type MembershipTest,
  medianDistance,
  membershipTest,
  proximityScores,
  type Records,
  type SynthesisJob,
} from '../../fl/index.js';
import { ganSettings, startBackend, synthesise, synthesiseGan } from '../../fl/trainer/index.js';
import type { Row } from '../row.js';
import { pick } from '../study/data.js';
import { type Patients, partsOf, readPatients, readPima } from '../study/patients.js';
import { stream } from '../study/stream.js';
import { aurocAfter, aurocOfNetwork, noisyCopies } from '../study/synthetic.js';
import { goalRow, meanOf } from './figures.js';
import { type Cell, type Context, type Measured, round, type Section, type Table } from './section.js';

const FILE = 'physionet2012_set_a.csv';
const OTHERS = 'physionet2012_set_b.csv';
const SEEDS = 3;
const BUDGET = { epsilonMicro: 8_000_000, deltaPico: 10_000_000 };
const COPY_NOISE = 0.1;
/** About as far from the records as other patients are, in the median. */
const FAR_COPY_NOISE = 0.7;
const CHANCE_POINTS = 3;

const sources = [
  'the records',
  'a network on the records, ε = 8',
  'Gaussian, ε = 8',
  'DCGAN, ε = 8',
] as const;
const attacked = ['Gaussian, ε = 8', 'DCGAN, ε = 8', 'copies, noise 0.1', 'copies, noise 0.7'] as const;
type Source = (typeof sources)[number];
type Attacked = (typeof attacked)[number];

interface Case {
  readonly patients: Patients;
  readonly members: Records;
  readonly others: Records;
  /** Of the same population, in neither part: what the attacker compares with. */
  readonly reference: Records;
}

interface Attack {
  readonly nearest: MembershipTest;
  readonly density: MembershipTest;
  /** To the closest member: no measure of privacy. */
  readonly distance: number;
}

interface Outcome {
  readonly auroc: Readonly<Record<Source, number>>;
  readonly attacks: Readonly<Record<Attacked, Attack>>;
  /** What the discriminator itself says. */
  readonly whiteBox: MembershipTest;
  readonly distanceOfOthers: number;
}

export const synthetic: Section = {
  name: 'synthetic',
  title: 'Synthetic records: utility, and a membership test',
  method: [
    `Rows made at ε = 8, δ = 1e-5 for one record (zero-out) by a Gaussian for each class and by a DCGAN ([pmta.md](pmta.md#synthetic-records)), as many as there are records. *Utility*: AUROC on real test records of a logistic regression (ridge 1) fitted to the rows alone. *The records*: the same regression fitted to the real records, no privacy. *A network on the records*: one hidden layer of 32, trained by DP-SGD in 200 lots of an eighth under the same budget.`,
    `*Membership*: as many test records as there are, against as many that the generator learned from. *Nearest* compares the distance to the closest synthetic row with that to the closest reference row, *density* the two densities (DOMIAS); the reference rows are patients that nobody learned from: set B on PhysioNet, a sixth of the table on Pima. *Discriminator*: what the DCGAN's own discriminator says of a record. AUROC and balanced accuracy (the upper half called members); 50 % is chance. The test has to find what is no private generator: copies of the records with noise on their numbers (of deviation ${COPY_NOISE} or ${FAR_COPY_NOISE}, in the schema's scales).`,
    `PhysioNet 2012, set A: 4000 patients, 554 died, 70:30 by the seed, the schema of \`datasets/icu.schema.json\`. The tables do not ship: \`npm run bench -- learning --only synthetic --data FOLDER\`, which holds ${FILE} and ${OTHERS}. Pima: 60 % to learn from, a quarter to test. Seeds 0 to ${SEEDS - 1}: a DCGAN takes a minute. Settings were chosen on seeds from 100 on.`,
  ],
  seeded: true,
  splitsMax: SEEDS,
  needs: FILE,
  run: measure,
};

async function measure({ seeds, data, say }: Context): Promise<Measured> {
  await startBackend();
  const [icu, later, pima] = [
    readPatients(join(data!, FILE), 'icu'),
    readPatients(join(data!, OTHERS), 'icu'),
    readPima(),
  ];
  const cases = {
    PhysioNet: (seed: number): Case => {
      const [members, others] = partsOf(icu, [0.7], `bench/synthetic/icu/${seed}`);
      return { patients: icu, members: members!, others: others!, reference: later.records };
    },
    Pima: (seed: number): Case => {
      const [members, others, reference] = partsOf(pima, [0.6, 0.25], `bench/synthetic/pima/${seed}`);
      return { patients: pima, members: members!, others: others!, reference: reference! };
    },
  };
  const found = Object.entries(cases).map(([name, caseOf]) => ({
    name,
    outcomes: seeds.map((seed) => {
      const outcome = outcomeOf(caseOf(seed), `synthetic/${name}/${seed}`);
      const { auroc, attacks } = outcome;
      const found = attacked.map((one) => attacks[one].nearest.auroc.toFixed(3));
      say(
        `${name}, seed ${seed}: ${sources.map((source) => auroc[source].toFixed(3)).join(', ')}; membership ${found.join(', ')}`,
      );
      return outcome;
    }),
  }));
  return {
    backend: 'wasm for the networks, float64 in JavaScript for the rest; noise in integers',
    rows: found.flatMap(({ name, outcomes }) => rowsOf(name, outcomes)),
    tables: [utilityTable(found), ...found.map(({ name, outcomes }) => membershipTable(name, outcomes))],
    plots: [],
  };
}

function outcomeOf({ patients, members, others, reference }: Case, name: string): Outcome {
  const { schema, width } = patients;
  const job: SynthesisJob = { schema, ...members, ...BUDGET, rows: members.y.length };
  const gaussian = synthesise('gaussian', job, stream(`${name}/gaussian`));
  const { synthesis: gan, gan: network } = synthesiseGan(job, ganSettings, stream(`${name}/gan`));
  const made: Readonly<Record<Attacked, Records>> = {
    'Gaussian, ε = 8': gaussian.records,
    'DCGAN, ε = 8': gan.records,
    'copies, noise 0.1': noisyCopies(patients, members, job.rows, COPY_NOISE, `${name}/copies`),
    'copies, noise 0.7': noisyCopies(patients, members, job.rows, FAR_COPY_NOISE, `${name}/far`),
  };
  const looked = pick(members, width, firstOf(others.y.length));
  const attack = (rows: Records): Attack => {
    const [of, than] = [looked, others].map((some) => proximityScores(some, rows, reference, width));
    return {
      nearest: membershipTest(of!.nearest, than!.nearest)!,
      density: membershipTest(of!.density, than!.density)!,
      distance: medianDistance(pick(rows, width, firstOf(200)), members, width),
    };
  };
  return {
    auroc: {
      'the records': aurocAfter(members, others, width),
      'a network on the records, ε = 8': aurocOfNetwork(members, others, width, BUDGET, `${name}/network`),
      'Gaussian, ε = 8': aurocAfter(gaussian.records, others, width),
      'DCGAN, ε = 8': aurocAfter(gan.records, others, width),
    },
    attacks: Object.fromEntries(attacked.map((one) => [one, attack(made[one])])) as Outcome['attacks'],
    whiteBox: membershipTest(network.judge(looked.x, looked.y), network.judge(others.x, others.y))!,
    distanceOfOthers: medianDistance(pick(others, width, firstOf(200)), members, width),
  };
}

function firstOf(count: number): number[] {
  return Array.from({ length: count }, (_, row) => row);
}

function rowsOf(name: string, outcomes: readonly Outcome[]): Row[] {
  const of = (source: Source) => outcomes.map(({ auroc }) => 100 * auroc[source]);
  const behind = outcomes.map(({ auroc }) => 100 * (auroc['the records'] - auroc['Gaussian, ε = 8']));
  const gain = outcomes.map(({ auroc }) => 100 * (auroc['DCGAN, ε = 8'] - auroc['Gaussian, ε = 8']));
  const issues =
    name === 'PhysioNet'
      ? [
          goalRow(
            `${name}, AUROC after the Gaussian`,
            of('Gaussian, ε = 8'),
            '%',
            { least: 83.9 },
            `records ${meanOf(of('the records')).toFixed(1)}`,
          ),
        ]
      : [];
  return [
    ...issues,
    goalRow(`${name}, Gaussian behind the records`, behind, 'points', { most: 1.5 }),
    goalRow(`${name}, DCGAN better than the Gaussian`, gain, 'points', { least: 0 }),
    ...(['Gaussian, ε = 8', 'DCGAN, ε = 8'] as const).map((one) =>
      offChance(`${name}, membership, ${one}`, [
        ...(['nearest', 'density'] as const).map((attack) =>
          outcomes.map(({ attacks }) => attacks[one][attack]),
        ),
        ...(one === 'DCGAN, ε = 8' ? [outcomes.map(({ whiteBox }) => whiteBox)] : []),
      ]),
    ),
    goalRow(
      `${name}, copies found, noise 0.1`,
      outcomes.map(({ attacks }) => 100 * attacks['copies, noise 0.1'].nearest.auroc),
      '%',
      { least: 75 },
    ),
  ];
}

/** How far the worst attack's mean is from chance, in points, by AUROC or balanced accuracy. */
function offChance(name: string, tests: readonly (readonly MembershipTest[])[]): Row {
  const means = tests.flatMap((test) => [
    meanOf(test.map(({ auroc }) => 100 * auroc)),
    meanOf(test.map(({ balancedAccuracy }) => 100 * balancedAccuracy)),
  ]);
  const worst = Math.max(...means.map((mean) => Math.abs(mean - 50)));
  const single = tests.flatMap((test) => test.map(({ auroc }) => Math.abs(100 * auroc - 50)));
  return {
    name,
    value: round(worst, 4),
    unit: 'points off chance',
    goal: `≤ ${CHANCE_POINTS}`,
    met: worst <= CHANCE_POINTS,
    reference: `single seeds up to ${Math.max(...single).toFixed(1)}`,
  };
}

type Found = readonly { readonly name: string; readonly outcomes: readonly Outcome[] }[];

function utilityTable(found: Found): Table {
  return {
    title: 'AUROC on real test records, by what was learned from',
    columns: ['learned from', ...found.map(({ name }) => name)],
    rows: sources.map((source): Cell[] => [
      source,
      ...found.map(({ outcomes }) => shares(outcomes.map(({ auroc }) => auroc[source]))),
    ]),
  };
}

function membershipTable(name: string, outcomes: readonly Outcome[]): Table {
  const cells = (tests: readonly MembershipTest[]): Cell[] => [
    shares(tests.map(({ auroc }) => auroc)),
    shares(tests.map(({ balancedAccuracy }) => balancedAccuracy)),
  ];
  const distance = (values: readonly number[]): Cell => ({
    values: values.map((value) => round(value, 4)),
    digits: 2,
  });
  return {
    title: `${name}: membership, %, and the median distance to the closest record learned from, which is no measure of privacy`,
    columns: ['', 'attack', 'AUROC', 'balanced accuracy', 'distance'],
    rows: [
      ...attacked.flatMap((one) =>
        (['nearest', 'density'] as const).map((attack): Cell[] => [
          one,
          attack,
          ...cells(outcomes.map(({ attacks }) => attacks[one][attack])),
          distance(outcomes.map(({ attacks }) => attacks[one].distance)),
        ]),
      ),
      ['DCGAN, ε = 8', 'discriminator', ...cells(outcomes.map(({ whiteBox }) => whiteBox)), ''],
      [
        'the test records themselves',
        '',
        '',
        '',
        distance(outcomes.map(({ distanceOfOthers }) => distanceOfOthers)),
      ],
    ],
  };
}

function shares(values: readonly number[]): Cell {
  return { values: values.map((value) => round(100 * value, 4)), digits: 1 };
}
