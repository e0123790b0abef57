import { bytesToHex, type RandomBytes, sha256, utf8ToBytes } from '../../crypto/index.js';
import {
  type AggregationName,
  type AlignmentState,
  type AlignmentThresholds,
  type AttackName,
  addNoise,
  alignmentThresholds,
  attacks,
  type Clipping,
  type ClippingChoice,
  closeRoundBy,
  countSigmaOf,
  craftedWire,
  createAlignment,
  createGrid,
  type Evaluation,
  encodeUpdate,
  encodeWeights,
  evaluate,
  type FrontName,
  fixedClipping,
  type Grid,
  initialWeights,
  type ModelSpec,
  meanOfWire,
  noiseCount,
  oneStep,
  parameterCount,
  type Records,
  roundToFine,
  type SubmittedUpdate,
  startClipping,
  toWire,
  type Verdict,
  type VerificationName,
  verificationRules,
  withTrigger,
} from '../../fl/index.js';
import { pick, type Split } from './data.js';
import { type Unit, updateOf } from './descend.js';
import { logisticLearner } from './logistic.js';
import type { Learner } from './net.js';
import { stream } from './stream.js';

export interface Rules {
  readonly rule: VerificationName;
  readonly front: FrontName;
  readonly aggregation: AggregationName;
  /** paper: every refusal costs a point, as in the seed paper; absolute: those of absolute tests alone. */
  readonly reputation: 'absolute' | 'paper';
  /** f stays what it was however many are blacklisted, as in the seed paper. */
  readonly fixedF: boolean;
  /** Of alignment; null: the rule's own. */
  readonly thresholds: AlignmentThresholds | null;
}

export const defaultRules: Rules = {
  rule: 'alignment',
  front: 'none',
  aggregation: 'mean',
  reputation: 'absolute',
  fixedF: false,
  thresholds: null,
};

export interface Setting extends Rules {
  readonly rounds: number;
  readonly sigma: number;
  readonly learningRate: number;
  readonly attack: AttackName | null;
  readonly fromRound: number;
  /** The first so many devices are the attacker's (honest without an attack, for the clean run to compare with). */
  readonly attackers: number;
  /** The attacker's devices are left out: the oracle that keeps only the honest. */
  readonly oracle: boolean;
  /** Clipping threshold C; 1 if not given. */
  readonly clip?: number;
  /** β of FedAvgM; 0 if not given: FedAvg. */
  readonly momentum?: number;
  /** What is clipped and protected as one; a record if not given. */
  readonly unit?: Unit;
  /** How C follows what was released; it stays if not given. `clip` is then the largest C and that of round 1. */
  readonly clipping?: ClippingChoice;
  /** Note accuracy, loss and C of every round. */
  readonly traced?: boolean;
}

/** How a task ended. */
export interface Run {
  /** Attackers on the blacklist. */
  readonly found: number;
  /** Honest devices on the blacklist. */
  readonly honestOut: number;
  /** Honest devices that the last round refused, or that were on the blacklist before it. */
  readonly honestRefusedAtEnd: number;
  /** Updates of honest devices refused in the whole task. */
  readonly honestRefusals: number;
  /** By device: the rounds in which its update was refused, or it was on the blacklist. */
  readonly refusedRounds: readonly number[];
  /** Of the last model on the test part. */
  readonly accuracy: number;
  /** Share of the test part's other classes that the last model calls class 1 with the backdoor's trigger. */
  readonly triggered: number;
  /** The last model. */
  readonly weights: Float32Array;
  /** After each round, if asked for. */
  readonly trace: readonly { readonly accuracy: number; readonly loss: number; readonly clip: number }[];
}

const REPUTATION = { start: 5, cap: 10 };

/**
 * One task from first to last round with the chain's own rules (`closeRound`) and reputations, no chain around it.
 * Everything random depends on `seed` alone. Attackers are omniscient: they know every honest update of the round.
 */
export function simulate(split: Split, shards: readonly Records[], setting: Setting, seed: number): Run {
  const { inputs } = split;
  const learner = split.learner ?? logisticLearner(inputs);
  const { model } = learner;
  const random = stream(`bench/noise/${seed}`);
  const reputation = new Array<number>(shards.length).fill(REPUTATION.start);
  const bad = (device: number) => device < setting.attackers && (setting.attack !== null || setting.oracle);
  const rule =
    setting.rule === 'alignment'
      ? createAlignment(setting.thresholds ?? alignmentThresholds(), inMemory())
      : verificationRules[setting.rule];
  const { clip16, choice, lattice } = latticeOf(setting, model);
  let state = startOf(model, startClipping(choice, clip16));
  let [honestRefusals, refusedAtEnd] = [0, 0];
  const refusedRounds = shards.map(() => 0);
  const trace: { accuracy: number; loss: number; clip: number }[] = [];
  for (let round = 1; round <= setting.rounds; round++) {
    const present = [...shards.keys()].filter(
      (device) => reputation[device]! > 0 && !(setting.oracle && device < setting.attackers),
    );
    const grid = createGrid({ ...lattice, clip16: state.clipping.clip16 });
    const updates = sendAll(present, shards, state.weights, setting, round, grid, random, split);
    const outcome = closeRoundBy(rule, {
      ...state,
      round,
      model,
      grid,
      updates,
      verification: setting.rule,
      front: setting.front,
      aggregation: setting.aggregation,
      faulty: setting.attackers,
      blacklisted: setting.fixedF ? 0 : reputation.filter((points) => points <= 0).length,
      local: oneStep,
      clipping: { choice, clip16, before: state.clipping },
      server: {
        step: (setting.momentum ?? 0) === 0 ? 'fedavg' : 'fedavgm',
        learningRate16: Math.round(setting.learningRate * 65_536),
        momentum16: Math.round((setting.momentum ?? 0) * 65_536),
        secondMoment16: 0,
        adaptivity16: 1,
      },
    });
    state = { ...outcome, clipping: outcome.clipping! };
    if (setting.traced === true) {
      const { accuracy, loss } = evaluationOn(split.test, model, state.weights);
      trace.push({ accuracy, loss, clip: grid.clip16 / 65_536 });
    }
    refusedAtEnd = reputation.filter((points, device) => points <= 0 && !bad(device)).length;
    for (const [device, points] of reputation.entries()) if (points <= 0) refusedRounds[device]!++;
    const costs = setting.reputation === 'paper' || verificationRules[setting.rule].absolute;
    for (const verdict of outcome.verdicts) {
      const device = indexOf(verdict);
      reputation[device] = Math.min(
        REPUTATION.cap,
        reputation[device]! + (verdict.qualified ? 1 : costs ? -1 : 0),
      );
      if (!verdict.qualified) refusedRounds[device]!++;
      if (verdict.qualified || bad(device)) continue;
      honestRefusals++;
      refusedAtEnd++;
    }
  }
  const out = [...reputation.keys()].filter((device) => reputation[device]! <= 0);
  return {
    found: out.filter(bad).length,
    honestOut: out.filter((device) => !bad(device)).length,
    honestRefusedAtEnd: refusedAtEnd,
    honestRefusals,
    refusedRounds,
    accuracy: accuracyOn(split.test, model, state.weights),
    triggered: triggeredShare(split, model, state.weights),
    weights: new Float32Array(state.weights.slice().buffer),
    trace,
  };
}

interface State {
  readonly weights: Uint8Array;
  readonly accumulator: Uint8Array | null;
  readonly optimizer: Uint8Array | null;
  readonly clipping: Clipping;
}

/** The threshold that a task starts with, how it moves, and what every round's grid has. */
function latticeOf({ clip, clipping: choice = fixedClipping, sigma }: Setting, model: ModelSpec) {
  return {
    clip16: Math.round((clip ?? 1) * 65_536),
    choice,
    lattice: {
      dimension: parameterCount(model),
      sigma16: Math.round(sigma * 65_536),
      countSigma16: countSigmaOf(choice),
    },
  };
}

function startOf(model: ModelSpec, clipping: Clipping): State {
  const weights = encodeWeights(initialWeights(model, sha256(utf8ToBytes('bench/weights'))));
  return { weights, accumulator: null, optimizer: null, clipping };
}

function sendAll(
  present: readonly number[],
  shards: readonly Records[],
  weights: Uint8Array,
  { attack: name, fromRound, attackers, unit = 'record' }: Setting,
  round: number,
  grid: Grid,
  random: RandomBytes,
  { inputs, learner = logisticLearner(inputs) }: Split,
): SubmittedUpdate[] {
  const attack = name === null || !attacks[name].acts(round, fromRound) ? null : attacks[name];
  const isBad = (device: number) => attack !== null && device < attackers;
  const unitsOf = (device: number) => (unit === 'device' ? 1 : shards[device]!.y.length);
  const floats = new Float32Array(weights.slice().buffer);
  const wires = present.map((device) => {
    const shard = shards[device]!;
    const records = isBad(device) && attack!.poison !== null ? attack!.poison(shard, inputs) : shard;
    const sum = updateOf(learner, floats, records, unit, grid.clip16 / 65_536);
    return toWire(addNoise(roundToFine(sum, grid), grid, random), grid);
  });
  // What was sent is looked at by attackers alone.
  const means =
    attack?.craft == null ? [] : wires.map((wire, at) => meanOfWire(wire, unitsOf(present[at]!), grid));
  const honest = means.filter((_, at) => !isBad(present[at]!));
  return present.map((device, at) => {
    const units = unitsOf(device);
    const crafted =
      isBad(device) && attack!.craft !== null && honest.length > 0
        ? attack!.craft({ own: means[at]!, honest, devices: shards.length, attackers, random })
        : null;
    const wire = crafted === null ? wires[at]! : craftedWire(crafted, units, grid, random);
    const count =
      grid.countSigma16 === null
        ? null
        : noiseCount(signedCount(learner, floats, shards[device]!, grid.clip16 / 65_536), grid, random);
    const payload = encodeUpdate(wire, grid, count);
    return { device: nameOf(device), units, hash: bytesToHex(sha256(payload)), payload };
  });
}

/** Alignment's state is not written out and read again in each round: verdicts are the same. */
function inMemory(): Parameters<typeof createAlignment>[1] {
  const states = new WeakMap<Uint8Array, AlignmentState>();
  return {
    encode: (state) => {
      const token = new Uint8Array();
      states.set(token, state);
      return token;
    },
    decode: (token) => states.get(token)!,
  };
}

/** How many more records are left whole than are clipped. */
function signedCount(
  { gradientSum, model: { inputs } }: Learner,
  weights: Float32Array,
  records: Records,
  bound: number,
): number {
  let count = 0;
  for (const row of records.y.keys()) {
    const gradient = gradientSum(weights, pick(records, inputs, [row]), Number.POSITIVE_INFINITY);
    count += Math.hypot(...gradient) > bound ? -1 : 1;
  }
  return count;
}

function accuracyOn(records: Records, model: ModelSpec, weights: Uint8Array): number {
  return evaluationOn(records, model, weights).accuracy;
}

function evaluationOn({ x, y }: Records, model: ModelSpec, weights: Uint8Array): Evaluation {
  return evaluate(model, new Float32Array(weights.slice().buffer), x, y);
}

/** How many records of other classes the backdoor turns into class 1. */
function triggeredShare({ test, inputs }: Split, model: ModelSpec, weights: Uint8Array): number {
  const others = pick(
    test,
    inputs,
    [...test.y.keys()].filter((row) => test.y[row] !== 1),
  );
  const { x } = withTrigger(others, inputs);
  return accuracyOn({ x, y: new Float32Array(others.y.length).fill(1) }, model, weights);
}

function nameOf(device: number): string {
  return device.toString(16).padStart(2, '0');
}

function indexOf({ device }: Verdict): number {
  return Number.parseInt(device, 16);
}
