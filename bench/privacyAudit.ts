/**
 * Is ε = 3 true of the code that runs? A white-box audit with a canary: somebody who sets the model of every round and
 * knows every other record and the canary itself looks at the updates that a device sends in 30 rounds and guesses whether
 * the canary was among its records. From how often the guess is right follows a lower bound on ε.
 *
 * With the noise on the bound must stay below 3, with the noise switched off it must exceed 3: an audit that can't
 *   find missing noise proves nothing. The updates come from `trainStep`, clipping, lattices and sampler included; the
 *   canary's gradient is clipped to C in every round. A second figure is how far the two cases lie apart in deviations,
 *   which the noise promises to be √T·C/(σ·(C + g√d)).
 * Bound: half of the runs choose the threshold, the other half count; Clopper and Pearson at 97.5 % each way, so 95 %
 *   together. ε >= log((true positives - δ)/false positives), and the same for the complements.
 * Run: npm run audit:privacy [-- runs a way = 400] [seed = 1]. Exit code 1 if either fails. Minutes.
 * Source: Nasr et al. 2021, arXiv:2101.04535; Jagielski, Ullman, Oprea 2020, arXiv:2006.07709.
 */
import { drbg, type RandomBytes, utf8ToBytes } from '../crypto/index.js';
import {
  calibrateSigma16,
  createGrid,
  decodeUpdate,
  fineStep,
  type Grid,
  type ModelSpec,
  roundToFine,
  toWire,
  wireStep,
} from '../fl/index.js';
import { gradientSum, startBackend, type TrainJob, trainStep } from '../fl/trainer/index.js';
import type { Row } from './row.js';

const FEATURES = 8;
const ROWS = 27;
const ROUNDS = 30;
const EPSILON = 3;
const DELTA = 1e-4;
const MODEL: ModelSpec = { inputs: FEATURES, layers: [{ kind: 'dense', units: 1, activation: 'linear' }] };

/** Arguments: runs each way, seed. */
export async function privacyAudit(args: readonly string[]): Promise<readonly Row[]> {
  const runs = Number(args[0] ?? 400);
  const seed = args[1] ?? '1';
  if (!Number.isInteger(runs) || runs < 4) throw new Error('privacy-audit: at least 4 runs each way');
  process.stderr.write(`privacy-audit: ${runs} runs each way, seed ${seed}\n`);
  await startBackend();
  const sigma16 = calibrateSigma16({ epsilonMicro: EPSILON * 1e6, deltaPico: DELTA * 1e12, rounds: ROUNDS });
  const grid = createGrid({ dimension: FEATURES + 1, clip16: 65_536, sigma16 });
  const on = audit(grid, runs, seed, true);
  const off = audit(grid, runs, seed, false);
  const promised = (Math.sqrt(ROUNDS) / (sigma16 / 65_536)) * (1 / (grid.sensitivity * fineStep(grid)));
  const rows: Row[] = [
    row('ε proved by the audit, noise on', on.epsilon, '', `< ${EPSILON}`, on.epsilon < EPSILON),
    row('ε proved by the audit, noise off', off.epsilon, '', `> ${EPSILON}`, off.epsilon > EPSILON),
    row(
      'with and without the canary lie apart, noise on',
      on.apart,
      'deviations',
      `${promised.toFixed(2)} ± ${(5 / Math.sqrt(runs)).toFixed(2)}`,
      Math.abs(on.apart - promised) < 5 / Math.sqrt(runs),
    ),
  ];
  if (rows.some(({ met }) => met === false)) process.exitCode = 1;
  return rows;
}

function audit(grid: Grid, runs: number, seed: string, noise: boolean) {
  const scores = (canary: boolean) =>
    Array.from({ length: runs }, (_, run) =>
      scoreOf(grid, canary, noise, `privacy-audit/${seed}/${run}/${canary}`),
    );
  const [withIt, without] = [scores(true), scores(false)];
  const half = Math.floor(runs / 2);
  const threshold = bestThreshold(withIt.slice(0, half), without.slice(0, half));
  const [mean1, mean0] = [meanOf(withIt), meanOf(without)];
  const spread = Math.sqrt((varianceOf(withIt) + varianceOf(without)) / 2);
  return {
    epsilon: epsilonBound(withIt.slice(half), without.slice(half), threshold),
    apart: (mean1 - mean0) / spread,
  };
}

/**
 * One task of 30 rounds; the log of how much likelier its updates are with the canary, up to a factor. Whoever has all
 * other devices has the model too: here it is led back to zero every round, where the canary's gradient is longest.
 */
function scoreOf(grid: Grid, canary: boolean, noise: boolean, name: string): number {
  const random = drbg(utf8ToBytes(name));
  const task = { model: MODEL, weights: new Float32Array(FEATURES + 1), grid };
  const others = rowsOf(drbg(utf8ToBytes('privacy-audit/rows')));
  const one = { x: new Float32Array(FEATURES).fill(3), y: Float32Array.of(1) };
  const all = { x: Float32Array.of(...others.x, ...one.x), y: Float32Array.of(...others.y, ...one.y) };
  const rest = gradientSum({ ...task, ...others }, grid.clip16).sum;
  const own = gradientSum({ ...task, ...one }, grid.clip16).sum;
  let score = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const sent = released({ ...task, ...(canary ? all : others) }, noise, random);
    for (let i = 0; i < own.length; i++) score += (sent[i]! - rest[i]! - own[i]! / 2) * own[i]!;
  }
  return score;
}

/** What the chain would hold, in real units. */
function released(job: TrainJob, noise: boolean, random: RandomBytes): Float64Array {
  const { grid } = job;
  const step = wireStep(grid);
  if (!noise)
    return Float64Array.from(
      toWire(roundToFine(gradientSum(job, grid.clip16).sum, grid), grid),
      (x) => x * step,
    );
  const unpacked = decodeUpdate(trainStep(job, random).update, grid);
  if (!unpacked.ok) throw new Error(`bug: an own update does not unpack: ${unpacked.reason}`);
  return Float64Array.from(unpacked.wire, (x) => x * step);
}

function rowsOf(random: RandomBytes): { readonly x: Float32Array; readonly y: Float32Array } {
  const bytes = random(ROWS * (FEATURES + 1));
  return {
    x: Float32Array.from(bytes.subarray(0, ROWS * FEATURES), (byte) => (byte - 127.5) / 64),
    y: Float32Array.from(bytes.subarray(ROWS * FEATURES), (byte) => byte % 2),
  };
}

function bestThreshold(withIt: readonly number[], without: readonly number[]): number {
  let [best, most] = [0, Number.NEGATIVE_INFINITY];
  const sorted = [...withIt, ...without].sort((a, b) => a - b);
  for (let i = 0; i + 1 < sorted.length; i++) {
    const threshold = (sorted[i]! + sorted[i + 1]!) / 2;
    const epsilon = epsilonBound(withIt, without, threshold);
    if (epsilon > most) [best, most] = [threshold, epsilon];
  }
  return best;
}

/** The larger of what both errors prove, at 95 %. Never negative. */
function epsilonBound(withIt: readonly number[], without: readonly number[], threshold: number): number {
  const above = (scores: readonly number[]) => scores.filter((score) => score > threshold).length;
  const proved = (hits: number, of: number, misses: number, ofMisses: number) => {
    const least = lowerBound(hits, of) - DELTA;
    return least <= 0 ? 0 : Math.log(least / (1 - lowerBound(ofMisses - misses, ofMisses)));
  };
  const [tp, fp] = [above(withIt), above(without)];
  return Math.max(
    0,
    proved(tp, withIt.length, fp, without.length),
    proved(without.length - fp, without.length, withIt.length - tp, withIt.length),
  );
}

/** Clopper and Pearson 1934: the least p at which `hits` of `tries` or more has 2.5 %. */
export function lowerBound(hits: number, tries: number): number {
  if (hits === 0) return 0;
  let [low, high] = [0, hits / tries];
  for (let i = 0; i < 50; i++) {
    const p = (low + high) / 2;
    if (atLeast(hits, tries, p) < 0.025) low = p;
    else high = p;
  }
  return low;
}

function atLeast(hits: number, tries: number, p: number): number {
  let log = tries * Math.log1p(-p);
  let below = 0;
  for (let k = 0; k < hits; k++) {
    below += Math.exp(log);
    log += Math.log((tries - k) / (k + 1)) + Math.log(p) - Math.log1p(-p);
  }
  return 1 - below;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function varianceOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
}

function row(name: string, value: number, unit: string, goal: string, met: boolean): Row {
  return { name, value, unit, goal, met, reference: null };
}
