import { strict as assert } from 'node:assert';
import {
  type AggregationName,
  aggregationRules,
  decodeOptimizer,
  encodeOptimizer,
  momentCount,
  type OptimizerState,
  type ServerParams,
  type ServerStepName,
  serve,
} from '../aggregation/index.js';
import { decodeUpdate, type Grid } from '../grid/index.js';
import { directionScale, drawnUnits, gradients32Of, type LocalWork, localSteps } from '../local/index.js';
import { decodeWeights, encodeWeights, type ModelSpec, parameterCount } from '../model/index.js';
import { type Clipping, type ClippingChoice, clippingRules, leavesOutStep } from '../privacy/index.js';
import {
  type FrontName,
  type RoundUpdate,
  squaredNorm,
  type Verdict,
  type VerificationName,
  type VerificationRule,
  verificationRules,
  verifyRound,
} from '../robust/index.js';

/** An update as the blocks hold it: its payload checked on admission for length and lattice. */
export interface SubmittedUpdate {
  readonly device: string;
  readonly units: number;
  readonly hash: string;
  readonly payload: Uint8Array;
}

/** All that the outcome of a round depends on. */
export interface RoundInput {
  /** The round that closes, from 1. */
  readonly round: number;
  readonly model: ModelSpec;
  readonly grid: Grid;
  /** Payload of the model that the devices trained from. */
  readonly weights: Uint8Array;
  /** One per device, in any order. */
  readonly updates: readonly SubmittedUpdate[];
  /** What verification remembers of earlier rounds; null before the first. */
  readonly accumulator: Uint8Array | null;
  /** What aggregation and the server's step keep of earlier rounds; null before the first. */
  readonly optimizer: Uint8Array | null;
  readonly front: FrontName;
  readonly verification: VerificationName;
  readonly aggregation: AggregationName;
  readonly faulty: number;
  readonly blacklisted: number;
  readonly local: LocalWork;
  readonly server: ServerParams & { readonly step: ServerStepName };
  /** How the threshold moves: the task's rule with C as its first and largest, and where it stands; null: it stays. */
  readonly clipping: {
    readonly choice: ClippingChoice;
    readonly clip16: number;
    readonly before: Clipping;
  } | null;
}

/** Names bytes that are not at hand. */
export interface BytesName {
  readonly id: Uint8Array;
  readonly size: number;
}

/** How a round ends, computed from its updates, or taken over where they are pruned: then bytes are but named. */
export interface RoundOutcome {
  /** One per update, sorted by device. */
  readonly verdicts: readonly Verdict[];
  /** Payload of the next model. */
  readonly weights: Uint8Array | BytesName;
  /** For the next round. */
  readonly accumulator: Uint8Array | BytesName | null;
  /** What aggregation and the server's step keep; null: nothing, or not yet. */
  readonly optimizer: Uint8Array | BytesName | null;
  /** The next round's threshold, and what the rule remembers; null where the threshold stays. */
  readonly clipping: Clipping | null;
}

export interface ComputedOutcome extends RoundOutcome {
  readonly weights: Uint8Array;
  readonly accumulator: Uint8Array | null;
  readonly optimizer: Uint8Array | null;
}

/**
 * Closes a round: verdicts, then the mean of what qualified, then the next model. If nothing qualifies, or the rule of
 * the threshold leaves the step out (`leavesOutStep`), weights and optimizer stay.
 *
 * The same bytes on every machine and for every order of the updates, so that nodes agree and an audit repeats it.
 * Fails: payloads were checked on admission and the rest comes from state, so anything malformed asserts.
 * Cost: that of the rule; the caller runs it in a worker.
 */
export function closeRound(input: RoundInput): ComputedOutcome {
  return closeRoundBy(verificationRules[input.verification], input);
}

/** The same by a rule that need not be in the table: for studies. */
export function closeRoundBy(rule: VerificationRule, input: RoundInput): ComputedOutcome {
  const { grid, round, faulty, blacklisted } = input;
  assert.equal(grid.dimension, parameterCount(input.model), 'the grid fits the model');
  const weights = decodeWeights(input.weights, grid.dimension);
  assert.ok(weights !== null, 'the model of the last round fits the task');
  const updates = input.updates.map((update) => unpack(update, grid)).sort(byDevice);
  const { verdicts, qualified, accumulator } = verifyRound(rule, input.front, updates, input.accumulator, {
    round,
    grid,
    faulty,
    blacklisted,
  });
  const clipping = nextClipping(
    input,
    updates.filter((_, at) => verdicts[at]!.qualified),
  );
  if (qualified.length === 0 || isLeftOut(input, clipping))
    return { verdicts, weights: input.weights, accumulator, optimizer: input.optimizer, clipping };
  const next = step(input, weights, qualified);
  return {
    verdicts,
    weights: encodeWeights(next.weights),
    accumulator,
    optimizer: next.optimizer,
    clipping,
  };
}

function isLeftOut({ clipping }: RoundInput, after: Clipping | null): boolean {
  return clipping !== null && after !== null && leavesOutStep(clipping.choice, clipping.before, after);
}

/**
 * Where the threshold goes, from the updates that qualified as they were sent: what a front blended, or an aggregation
 * rule made of them, holds less noise than the rules take off. Nothing qualified: it stays.
 */
function nextClipping(
  { clipping, grid, local }: RoundInput,
  qualified: readonly Unpacked[],
): Clipping | null {
  if (clipping === null) return null;
  const { choice, clip16, before } = clipping;
  if (qualified.length === 0) return before;
  const sum = new Float64Array(grid.dimension);
  let [divisor, signedCount] = [0, 0];
  for (const update of qualified) {
    divisor += update.units;
    signedCount += update.signedCount ?? 0;
    for (let index = 0; index < sum.length; index++) sum[index]! += update.wire[index]!;
  }
  const { rule, ...params } = choice;
  return clippingRules[rule].next({ ...params, clip16 }, before, {
    grid,
    squaredNorm: squaredNorm(sum),
    devices: qualified.length,
    divisor,
    gradients32: gradients32Of(local),
    asked: Math.max(1, Math.round(drawnUnits(divisor, local))),
    signedCount: grid.countSigma16 === null ? null : signedCount,
  });
}

interface Unpacked extends RoundUpdate {
  readonly signedCount: number | null;
}

/** How many vectors a task keeps beside its model. */
export function keptVectors({
  aggregation,
  local,
  server,
}: Pick<RoundInput, 'aggregation' | 'local'> & {
  readonly server: { readonly step: ServerStepName };
}): number {
  return (keepsDirection({ aggregation, local }) ? 1 : 0) + momentCount(server.step);
}

function keepsDirection({ aggregation, local }: Pick<RoundInput, 'aggregation' | 'local'>): boolean {
  return aggregationRules[aggregation].remembers || localSteps[local.step].controlled;
}

/** Aggregates, then steps. */
function step(
  input: RoundInput,
  weights: Float32Array,
  qualified: readonly RoundUpdate[],
): { readonly weights: Float32Array; readonly optimizer: Uint8Array | null } {
  const { grid, optimizer, server, local, aggregation } = input;
  const before: OptimizerState | null =
    optimizer === null ? null : decodeOptimizer(optimizer, grid.dimension);
  const last = before?.direction == null ? null : Float64Array.from(before.direction);
  const mean = aggregationRules[aggregation].aggregate(qualified, grid, last);
  const scale = directionScale(local);
  const { step: name, ...params } = server;
  const direction = mean.map((entry) => scale * entry);
  const served = serve(name, params, weights, direction, before?.moments ?? null);
  const kept = {
    direction: keepsDirection(input) ? Float32Array.from(mean) : null,
    moments: served.moments,
  };
  return { weights: served.weights, optimizer: encodeOptimizer(kept) };
}

function unpack(update: SubmittedUpdate, grid: Grid): Unpacked {
  const unpacked = decodeUpdate(update.payload, grid);
  assert.ok(unpacked.ok, `update of ${update.device} was admitted and can be unpacked`);
  const { wire, signedCount } = unpacked;
  return { device: update.device, units: update.units, hash: update.hash, wire, signedCount };
}

function byDevice(a: RoundUpdate, b: RoundUpdate): number {
  return a.device < b.device ? -1 : a.device > b.device ? 1 : 0;
}
