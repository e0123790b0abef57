/**
 * Chooses the settings that the sections measure with: rounds, learning rate, clipping threshold, momentum, and where a
 * problem says so what the task leaves out, by mean accuracy of the last model over seeds 100 to 119. Results are of seeds
 * 0 to 19, which nothing here looks at.
 *
 * All settings on 5 seeds, the best tenth of them on all 20, each with 8 draws of the noise, since a single one moves a
 * split by a point; of those within a tenth of a point of the best, the one with the fewest rounds. In plain doubles (bench/study/descend.ts).
 * Run: npm run bench -- choose [problem ...]. Writes bench/learning/chosen.json. Everything is seeded.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { calibrateSigma16 } from '../../fl/index.js';
import type { Row } from '../row.js';
import { splitOf } from '../study/data.js';
import { type Choice, descend } from '../study/descend.js';
import { meanAndDeviation } from '../study/mean.js';
import { shardsOf } from '../study/partition.js';
import { DEVICES } from '../study/task.js';
import { CHOSEN, type Chosen, DELTA_PICO, type Problem, problems } from './chosen.js';
import { round } from './section.js';

const FIRST = 100;
const SEEDS = 20;
const SEEDS_FIRST = 5;
const DRAWS = 8;
/** In points of accuracy. */
const ALIKE = 0.1;

export function choose(args: readonly string[]): readonly Row[] {
  const before = existsSync(CHOSEN) ? (JSON.parse(readFileSync(CHOSEN, 'utf8')) as object) : {};
  const names = args.length === 0 ? problems.map(({ name }) => name) : args;
  const found = names.map((name) => {
    const problem = problems.find((one) => one.name === name);
    if (problem === undefined) throw new Error(`no problem ${name}`);
    return [name, bestOf(problem)] as const;
  });
  const all: Record<string, Chosen> = { ...before, ...Object.fromEntries(found) };
  const sorted = Object.fromEntries(problems.flatMap(({ name }) => (name in all ? [[name, all[name]]] : [])));
  writeFileSync(CHOSEN, `${JSON.stringify(sorted, null, 2)}\n`);
  return found.map(([name, { accuracy, ...rest }]) => ({
    name,
    value: accuracy,
    unit: '%',
    goal: null,
    met: null,
    reference: JSON.stringify(rest),
  }));
}

/** Steps are learning rate times C: what a clipped gradient moves the weights by. */
const NOISELESS = { rounds: [30, 53, 100], clips: [0.5, 1, 2, 4], steps: [0.5, 1, 2, 4], momenta: [0, 0.9] };
const NOISED = {
  rounds: [5, 10, 20, 30, 53],
  clips: [0.1, 0.25, 0.5, 1, 2],
  steps: [0.25, 0.5, 1, 2, 4],
  momenta: [0, 0.5, 0.9],
};

interface Candidate extends Choice {
  readonly without: readonly string[];
}

function candidatesOf({ epsilon, without = [[]] }: Problem): Candidate[] {
  const { rounds, clips, steps, momenta } = epsilon === null ? NOISELESS : NOISED;
  const choices = rounds.flatMap((count) =>
    clips.flatMap((clip) =>
      momenta.flatMap((momentum) =>
        steps.map((step) => ({
          rounds: count,
          // With momentum β a gradient counts 1/(1 - β) times in the end.
          learningRate: round((step / clip) * (1 - momentum), 4),
          clip,
          momentum,
        })),
      ),
    ),
  );
  return without.flatMap((left) => choices.map((choice) => ({ ...choice, without: left })));
}

function bestOf(problem: Problem): Chosen {
  const candidates = candidatesOf(problem);
  const coarse = candidates
    .map((choice) => ({ choice, accuracy: accuracyOf(problem, choice, SEEDS_FIRST, 1) }))
    .sort((a, b) => b.accuracy - a.accuracy)
    .slice(0, Math.ceil(candidates.length / 10));
  const fine = coarse
    .map(({ choice }) => ({
      choice,
      accuracy: accuracyOf(problem, choice, SEEDS, problem.epsilon === null ? 1 : DRAWS),
    }))
    .sort((a, b) => b.accuracy - a.accuracy);
  const alike = fine.filter(({ accuracy }) => accuracy >= fine[0]!.accuracy - ALIKE);
  const { choice, accuracy } = alike.sort((a, b) => a.choice.rounds - b.choice.rounds)[0]!;
  return {
    ...choice,
    sigma16: sigma16Of(problem.epsilon, choice.rounds),
    accuracy: round(accuracy, 2),
    tried: candidates.length,
  };
}

/** Mean over seeds, each with so many draws of the noise, in per cent. */
function accuracyOf(
  { dataset, unit, epsilon }: Problem,
  choice: Candidate,
  seeds: number,
  draws: number,
): number {
  const sigma = sigma16Of(epsilon, choice.rounds) / 65_536;
  const found = Array.from({ length: seeds * draws }, (_, at) => {
    const [seed, draw] = [FIRST + Math.floor(at / draws), at % draws];
    const { split, shards } = caseOf(dataset, seed, choice.without);
    return 100 * descend(split, shards, choice, sigma, unit, `${seed}/${draw}`);
  });
  return meanAndDeviation(found).mean;
}

const cases = new Map<string, ReturnType<typeof makeCase>>();

function caseOf(dataset: Problem['dataset'], seed: number, without: readonly string[]) {
  const key = [dataset, seed, ...without].join('/');
  const known = cases.get(key) ?? makeCase(dataset, seed, without);
  cases.set(key, known);
  return known;
}

function makeCase(dataset: Problem['dataset'], seed: number, without: readonly string[]) {
  const split = splitOf(dataset, seed, without);
  return { split, shards: shardsOf(split, DEVICES, 'iid', seed) };
}

const sigmas = new Map<string, number>();

/** The least noise with which so many rounds keep ε at δ; 0 without ε. */
export function sigma16Of(epsilon: number | null, rounds: number): number {
  if (epsilon === null) return 0;
  const key = `${epsilon}/${rounds}`;
  const known =
    sigmas.get(key) ?? calibrateSigma16({ epsilonMicro: epsilon * 1e6, deltaPico: DELTA_PICO, rounds });
  sigmas.set(key, known);
  return known;
}
