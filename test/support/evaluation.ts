import { plannedTask, type TaskSpec } from '../../contracts/index.js';
import { drbg, utf8ToBytes } from '../../crypto/index.js';
import { calibrateSigma16, histogramRho, noisedHistogram } from '../../fl/index.js';
import {
  type Call,
  type ChainOptions,
  createTestChain,
  playRound,
  startTask,
  type TestChain,
  taskSpec,
} from './chain.js';
import type { Person } from './genesis.js';

export const budget = { epsilonMicro: 1_000_000, deltaPico: 100_000_000 };
export const sigma16 = calibrateSigma16({ ...budget, rounds: 2 });
export const rho = histogramRho(sigma16);
export const testSet = new Uint8Array(32).fill(5);
export const quarter = 16_384;

export function planCall(test: TestChain, spec: TaskSpec = taskSpec(), change: object = {}): Call {
  const task = plannedTask(test.chain.chainId, spec);
  const args = { task, heldOut16: quarter, ...budget, testSet, ...change };
  return { from: test.publisher, contract: 'evaluation', method: 'plan', args };
}

export function openCall(test: TestChain, change: object = {}): Call {
  const spec = {
    task: 1,
    round: 1,
    unit: 'record',
    bins: 4,
    sigma16,
    quorum: 3,
    deadlineMs: 500,
    deadlineBlocks: 2,
    ...change,
  };
  return { from: test.publisher, contract: 'evaluation', method: 'open', level: 1, args: { spec } };
}

/** Three rows: one negative in the first bin, two positives in the third and fourth. */
export function answerCall(from: Person, change: object = {}, name = from.name): Call {
  const random = drbg(utf8ToBytes(name));
  const counts = noisedHistogram([0.1, 0.6, 0.9], [0, 1, 1], { bins: 4, sigma16 }, random);
  const args = { evaluation: 1, ...counts, ...change };
  return { from, contract: 'evaluation', method: 'answer', level: 1, args };
}

export function claimCall(test: TestChain, change: object = {}): Call {
  const measures = { auroc: 800_000, auprc: 700_000, brier: 150_000, accuracy: 770_000, sensitivity: null };
  const args = { task: 1, rows: 231, positives: 80, specificityMicro: 900_000, measures, ...change };
  return { from: test.publisher, contract: 'evaluation', method: 'claim', level: 1, args };
}

/** A planned task of which one round has closed. */
export function trained(
  spec: TaskSpec = taskSpec(),
  plan: object = {},
  options: ChainOptions = {},
): TestChain {
  const test = createTestChain(options);
  test.block([planCall(test, spec, plan)]);
  startTask(test, spec);
  playRound(test);
  return test;
}

/** The same with an open evaluation. */
export function opened(change: object = {}, options: ChainOptions = {}): TestChain {
  const test = trained(taskSpec(), {}, options);
  test.block([openCall(test, change)]);
  return test;
}
