import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { AuditReport } from '../../../audit/index.js';
import { readDeviceConfig } from '../../config.js';
import { exportChain } from '../../export/index.js';
import {
  majorityAccuracy,
  type Network,
  type PreparedData,
  provisionNetwork,
} from '../../provision/index.js';
import { startTestnet } from '../../testnet/index.js';
import { CliError } from '../failure.js';
import { createNodePool, type NodePool } from '../nodePool.js';
import { publishTask } from '../publish.js';
import { publisherKey } from '../publisherKey.js';
import { taskSpecOf } from '../taskFile.js';
import { auditApart } from './audit.js';
import { centralAccuracy } from './baseline.js';
import { overspent, unequalHeads } from './checks.js';
import { createDisplay, type Display, type Screen } from './display.js';
import { tidyUp, writeResult } from './folder.js';
import { loadData } from './loadData.js';
import { type DemoOptions, timeBoundMs } from './options.js';
import type { DemoResult, TableNotes } from './result.js';
import { followRounds, type RoundsOutcome } from './rounds.js';
import { demoTask } from './task.js';
import type { ViewState } from './view.js';
import { readHeads, watchHeads } from './watch.js';

/** Everything that a finished run has to say. It may have failed: then `notes.failures` is not empty. */
export interface DemoRun {
  readonly result: DemoResult;
  readonly notes: TableNotes;
  readonly dir: string;
  readonly derivedSchema: boolean;
}

const SETTLE_MS = 5_000;

interface Stage {
  readonly options: DemoOptions;
  readonly data: PreparedData;
  readonly display: Display;
  readonly signal: AbortSignal;
  readonly seconds: () => number;
  readonly dir: string;
}

/**
 * The main job: provisions a network, starts it, trains a task on it, exports and replays the chain.
 *
 * Throws if it could not be carried through (CliError "timed-out" at the bound, the signal's reason when it
 * aborts); what was started is then stopped and what was written removed, except for the nodes' logs.
 */
export async function runDemo(
  options: DemoOptions,
  screen: Screen,
  env: NodeJS.ProcessEnv,
  interrupted: AbortSignal,
): Promise<DemoRun> {
  const begun = performance.now();
  const seconds = (): number => (performance.now() - begun) / 1_000;
  const data = loadData(options); // bad data is told before anything is written
  const dir = options.dir === null ? mkdtempSync(join(tmpdir(), 'consilium-')) : resolve(options.dir);
  const bound = boundOf(options);
  const signal = AbortSignal.any([interrupted, bound.signal]);
  const over = new AbortController();
  const display = createDisplay(screen, firstView(options), seconds, env);
  const opened: { network: Network | null } = { network: null };
  let run: DemoRun | null = null;
  let work: Promise<DemoRun> | null = null;
  try {
    const stage = { options, data, display, seconds, dir, signal: AbortSignal.any([signal, over.signal]) };
    work = carryOut(stage, opened);
    run = await Promise.race([work, rejection(signal)]);
    return run;
  } finally {
    over.abort(); // whatever still waits for a node
    await settled(work);
    display.close();
    bound.clear();
    await tidyUp({
      dir,
      temporary: options.dir === null,
      network: opened.network,
      keep: options.keep,
      finished: run !== null,
      passed: run !== null && run.notes.failures.length === 0,
      interrupted: interrupted.aborted,
    });
  }
}

async function carryOut(stage: Stage, opened: { network: Network | null }): Promise<DemoRun> {
  const { options, data, display, signal } = stage;
  const task = demoTask(options, data);
  const spec = taskSpecOf(task);
  const accuracyMajority = majorityAccuracy(data.train, data.test);
  display.update({ accuracyMajority });
  const network = await provision(stage);
  opened.network = network;
  display.update({ phase: `starting ${options.validators} validators` });
  const central = centralAccuracy(task.model, spec.weightsSeed, data.train, data.test);
  central.then(
    (accuracyCentral) => display.update({ accuracyCentral }),
    () => {}, // thrown where it is awaited
  );
  await startTestnet(network, { withParent: !options.keep, signal });
  const nodes = createNodePool(
    network.file.nodes.map(({ rpc }) => rpc),
    signal,
  );
  void watchHeads(nodes, display, signal);
  display.update({ phase: 'publishing the task' });
  const secret = publisherKey(network);
  const { task: id } = await nodes.use((client) => publishTask(client, network.chainId, secret, spec));
  const devices = options.validators * options.devices;
  const { model } = task;
  const rounds = await followRounds({ nodes, task: id, model, test: data.test, devices, display, signal });
  display.update({ phase: 'comparing the heads of all validators' });
  const unequal = await unequalHeads(network, nodes, signal);
  const heads = await readHeads(nodes);
  const audited = await exportAndAudit(stage, network, nodes);
  const result: DemoResult = {
    ...roundsResult(options, rounds),
    ...audited.result,
    accuracyCentral: await central,
    accuracyMajority,
    poisoned: poisonedOf(network),
    finalityMsP50: heads.finalityMsP50 ?? 0,
    finalityMsP95: heads.finalityMsP95 ?? 0,
    seconds: stage.seconds(),
    genesis: network.genesisFile,
  };
  const failures = [...roundFailures(options, rounds), ...unequal, ...overspent(rounds), ...audited.failures];
  display.update({ phase: failures.length === 0 ? 'done' : 'failed' });
  writeResult(stage.dir, result, task, audited.report);
  return { result, notes: notesOf(stage, rounds, failures), dir: stage.dir, derivedSchema: data.derived };
}

function provision({ options, data, display, dir, signal }: Stage): Promise<Network> {
  display.update({ phase: 'writing keys, genesis and shards of data' });
  return provisionNetwork({
    dir,
    name: 'demo',
    time: Date.now(),
    validators: options.validators,
    devices: options.devices,
    data,
    epsilonMicro: options.epsilon === null ? 0 : Math.round(options.epsilon * 1e6),
    deltaPico: options.epsilon === null ? 0 : Math.round(options.delta * 1e12),
    attack: options.attack,
    seed: options.seed,
    signal,
  });
}

/** The chain as any auditor would get and check it. */
async function exportAndAudit(
  { display, signal, dir }: Stage,
  network: Network,
  nodes: NodePool,
): Promise<{
  readonly result: Pick<DemoResult, 'blocks' | 'transactions' | 'verified' | 'export'>;
  readonly failures: readonly string[];
  readonly report: AuditReport;
}> {
  const file = join(dir, 'chain.car');
  display.update({ phase: 'exporting the chain' });
  const { blocks } = await nodes.use(({ url }) => exportChain({ url, file }));
  display.update({ phase: 'replaying the chain offline' });
  const report = await auditApart(file, network.genesisFile, signal);
  const { ok, divergence, checked } = report;
  const failures = ok ? [] : [`the offline replay found: ${divergence?.reason}: ${divergence?.detail}`];
  const result = { blocks, transactions: checked.transactions, verified: ok, export: file };
  return { result, failures, report };
}

function roundsResult(
  { epsilon, delta, devices, validators }: DemoOptions,
  rounds: RoundsOutcome,
): Pick<
  DemoResult,
  'accuracy' | 'rounds' | 'epsilon' | 'delta' | 'devices' | 'validators' | 'blacklisted' | 'updateBytes'
> {
  const spentMicro = Math.max(0, ...rounds.ledgers.map((ledger) => ledger.spentMicro));
  return {
    accuracy: rounds.accuracy,
    rounds: rounds.closed,
    epsilon: epsilon === null ? null : spentMicro / 1e6,
    delta: epsilon === null ? null : delta,
    devices: validators * devices,
    validators,
    blacklisted: rounds.blacklisted,
    updateBytes: rounds.updateBytes,
  };
}

function roundFailures(options: DemoOptions, { closed, failed }: RoundsOutcome): readonly string[] {
  if (closed === options.rounds && failed === 0) return [];
  return [`${closed} of ${options.rounds} rounds closed, ${failed} failed for lack of updates`];
}

function poisonedOf({ dir, file }: Network): readonly string[] {
  return file.devices
    .filter(({ folder }) => readDeviceConfig(join(dir, folder)).attack !== null)
    .map(({ name }) => name);
}

function notesOf({ options, data }: Stage, rounds: RoundsOutcome, failures: readonly string[]): TableNotes {
  return {
    testRows: data.test.rows,
    trainRows: data.train.rows,
    roundsAsked: options.rounds,
    epsilonBound: options.epsilon,
    qualified: rounds.qualified,
    refused: rounds.refused,
    failures,
  };
}

function firstView(options: DemoOptions): ViewState {
  return {
    phase: 'reading the data',
    seconds: 0,
    hospitals: options.validators,
    devices: options.validators * options.devices,
    round: 0,
    rounds: options.rounds,
    accuracies: [],
    accuracyMajority: null,
    accuracyCentral: null,
    epsilon: options.epsilon,
    epsilonSpent: 0,
    qualified: 0,
    refused: 0,
    blacklisted: [],
    height: 0,
    finalityMsP50: null,
    finalityMsP95: null,
    validatorsUp: 0,
  };
}

/** Aborts with a sentence when the whole run takes too long. */
function boundOf(options: DemoOptions): { readonly signal: AbortSignal; clear(): void } {
  const ms = timeBoundMs(options);
  const controller = new AbortController();
  const sentence = `the demo was given up after ${ms / 1_000} s: see the nodes' logs, or give it fewer rounds`;
  const timer = setTimeout(() => controller.abort(new CliError('timed-out', sentence)), ms);
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
}

/** Until the work has ended too, and so writes nothing more; bounded, since every part of it heeds the signal. */
async function settled(work: Promise<unknown> | null): Promise<void> {
  const ended = work?.catch(() => {}); // it has been told already
  const bound = new AbortController();
  await Promise.race([ended, delay(SETTLE_MS, undefined, { signal: bound.signal }).catch(() => {})]);
  bound.abort();
}

/** Never resolves; rejects with the signal's reason. */
function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
