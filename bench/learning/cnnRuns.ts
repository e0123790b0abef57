import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesToHex, sha256 } from '../../crypto/index.js';
import {
  closeRound,
  createGrid,
  encodeWeights,
  initialWeights,
  oneStep,
  parameterCount,
  schemaJson,
} from '../../fl/index.js';
import { TrainerPool } from '../../fl/trainer/index.js';
import { createNodePool } from '../../node/cli/nodePool.js';
import { publishTask } from '../../node/cli/publish.js';
import { publisherKey } from '../../node/cli/publisherKey.js';
import { type TaskFile, taskSpecOf } from '../../node/cli/taskFile.js';
import { type Network, provisionNetwork } from '../../node/provision/index.js';
import { nodePid, startTestnet, stopTestnet } from '../../node/testnet/index.js';
import { cpuSeconds } from '../load/cpu.js';
import { type ImageShard, idxFiles, imageSchema } from './cnnData.js';
import { cnnModel } from './stepModels.js';

const VALIDATORS = 4;
const EPSILON = 3;
const DELTA = 1e-4;
const SEED = '00'.repeat(32);
const DAY_MS = 86_400_000;
const WAIT_MS = 20_000;

/** A task of so many rounds, from the first one's opening to the last one's closing. */
export interface RoundTimes {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly updateBytes: number;
}

function taskOf(devices: number, rounds: number): TaskFile {
  return {
    title: 'digits',
    model: { inputs: cnnModel.inputs, layers: [...cnnModel.layers] },
    weightsSeed: SEED,
    schema: schemaJson(imageSchema()),
    learningRate: 0.1,
    rounds,
    privacy: { epsilon: EPSILON, delta: DELTA },
    // What alignment remembers of so large a model does not fit a payload.
    verification: 'multi-krum',
    faulty: Math.floor(0.3 * devices),
    reputation: 'none',
    devices,
    quorum: devices,
    enrolMs: DAY_MS,
    deadlineMs: DAY_MS,
  };
}

/** Four validators as processes, each with its hospital's devices and one training thread. */
export async function withChain(shards: readonly ImageShard[], rounds: number): Promise<RoundTimes> {
  const dir = mkdtempSync(join(tmpdir(), 'consilium-cnn-'));
  const controller = new AbortController();
  let network: Network | null = null;
  try {
    network = await provision(join(dir, 'net'), shards);
    await startTestnet(network, { withParent: true, signal: controller.signal });
    const nodes = createNodePool(
      network.file.nodes.map(({ rpc }) => rpc),
      controller.signal,
    );
    const pids = network.file.nodes.map(({ name }) => nodePid(network!, name)!);
    const used = () => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
    const spec = taskSpecOf(taskOf(shards.length, rounds));
    const { task } = await nodes.use((client) =>
      publishTask(client, network!.chainId, publisherKey(network!), spec),
    );
    while ((await nodes.use((client) => client.call('task.get', { task }))).status === 'enrolling')
      await nodes.use((client) => client.call('task.current', { task, waitMs: 500, afterRound: 0 }));
    const [opened, before] = [performance.now(), used()];
    const bytes: number[] = [];
    while (bytes.length < rounds) {
      const from = bytes.length + 1;
      const closed = await nodes.use((client) => client.call('task.rounds', { task, from, waitMs: WAIT_MS }));
      for (const { status, updateBytes } of closed) {
        if (status !== 'closed') throw new Error('a round failed: not all updates came');
        bytes.push(updateBytes ?? 0);
      }
    }
    return {
      wallSeconds: (performance.now() - opened) / 1e3 / rounds,
      cpuSeconds: (used() - before) / rounds,
      updateBytes: bytes.reduce((sum, each) => sum + each, 0) / rounds,
    };
  } finally {
    controller.abort();
    if (network !== null) await stopTestnet(network);
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function provision(dir: string, shards: readonly ImageShard[]): Promise<Network> {
  const none = { header: ['none'], rows: [] };
  const empty = { x: new Float32Array(), y: new Float32Array(), rows: 0 };
  const network = await provisionNetwork({
    dir,
    name: 'cnn',
    time: Date.now(),
    validators: VALIDATORS,
    devices: shards.length / VALIDATORS,
    data: {
      schema: imageSchema(),
      derived: false,
      shards: shards.map(() => none),
      testTable: none,
      train: empty,
      test: empty,
    } as never, // tables are written and then replaced; nobody reads the rest
    epsilonMicro: Math.round(EPSILON * 1e6),
    deltaPico: Math.round(DELTA * 1e12),
    seed: '1',
  });
  for (const [at, { folder }] of network.file.devices.entries()) {
    const place = join(dir, folder);
    const { images, labels } = idxFiles(shards[at]!);
    writeFileSync(join(place, 'images.idx'), images, { mode: 0o600 });
    writeFileSync(join(place, 'labels.idx'), labels, { mode: 0o600 });
    const file = join(place, 'device.json');
    const config = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...config, data: 'images.idx', labels: 'labels.idx' }));
  }
  return network;
}

/** The same rounds in one process: as many training threads, the same noise and encoding, the same rules at the end. */
export async function withoutChain(shards: readonly ImageShard[], rounds: number): Promise<RoundTimes> {
  const spec = taskSpecOf(taskOf(shards.length, rounds));
  const dimension = parameterCount(cnnModel);
  const grid = createGrid({ dimension, clip16: spec.privacy.clip16, sigma16: spec.privacy.sigma16 });
  const pool = new TrainerPool({ threads: VALIDATORS, queueMax: shards.length, jobTimeoutMs: DAY_MS });
  try {
    let weights = encodeWeights(initialWeights(cnnModel, spec.weightsSeed));
    const jobs = shards.map(({ images, labels }) => ({
      model: cnnModel,
      grid,
      x: Float32Array.from(images, (byte) => byte / 255),
      y: Float32Array.from(labels),
    }));
    await Promise.all(jobs.slice(0, VALIDATORS).map((job) => pool.train({ ...job, ...smallest }))); // threads are up
    const [begun, cpu] = [performance.now(), process.cpuUsage()];
    let bytes = 0;
    for (let round = 1; round <= rounds; round++) {
      const floats = new Float32Array(weights.slice().buffer);
      const payloads = await Promise.all(
        jobs.map(async (job) => (await pool.train({ ...job, weights: floats })).update),
      );
      bytes += payloads.reduce((sum, payload) => sum + payload.length, 0) / payloads.length;
      const updates = payloads.map((payload, at) => ({
        device: `${at}`.padStart(4, '0'),
        units: jobs[at]!.y.length,
        hash: bytesToHex(sha256(payload)),
        payload,
      }));
      weights = closeRound({
        weights,
        accumulator: null,
        optimizer: null,
        round,
        model: cnnModel,
        grid,
        updates,
        verification: spec.verification.rule,
        front: 'none',
        aggregation: spec.aggregation,
        faulty: spec.verification.faulty,
        blacklisted: 0,
        local: oneStep,
        clipping: null,
        server: { ...spec.server, learningRate16: spec.learningRate16 },
      }).weights;
    }
    const { user, system } = process.cpuUsage(cpu);
    return {
      wallSeconds: (performance.now() - begun) / 1e3 / rounds,
      cpuSeconds: (user + system) / 1e6 / rounds,
      updateBytes: bytes / rounds,
    };
  } finally {
    await pool.close();
  }
}

/** A job that takes no time. */
const smallest = {
  model: { inputs: 1, layers: [{ kind: 'dense', units: 1, activation: 'linear' }] },
  grid: createGrid({ dimension: 2, clip16: 65_536, sigma16: 0 }),
  weights: new Float32Array(2),
  x: new Float32Array(1),
  y: new Float32Array(1),
} as const;
