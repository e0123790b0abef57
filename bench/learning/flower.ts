/**
 * The main job beside Flower's simulation: 20 devices, 30 rounds of logistic regression on Pima at ε = 3, the same split,
 * shards, clipping and noise (Flower's by numpy's generator, on floats). Ours is `consilium demo`, processes, keys, chain,
 * export and audit and all; Flower's is one program with simulated clients on every core, no chain. Both from the start of
 * the program to its end, in turns, since other work shares the machine. Compared are the rounds.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { encodeRows, type Table } from '../../fl/index.js';
import { loadData } from '../../node/cli/demo/loadData.js';
import { type FlowerJob, type FlowerRun, findFlower, runFlower } from '../peers/flower.js';
import { median, type Row } from '../row.js';
import type { Section } from './section.js';

const TURNS = 3;
const VALIDATORS = 4;
const DEVICES = 20;
const ROUNDS = 30;
const SIGMA = 439_091 / 65_536; // ε = 3 at δ = 1e-4 over 30 rounds

interface DemoRun {
  readonly seconds: number;
  readonly rounds: number;
  readonly accuracy: number;
  readonly verified: boolean;
  /** From the first round's opening to the last one's closing. */
  readonly roundSeconds: number;
}

export const flower: Section = {
  name: 'flower',
  title: 'The main job beside Flower',
  method: [
    'Pima, 20 devices, 30 rounds of logistic regression, ε = 3 by noise in each device. Ours: `consilium demo` with 4 ' +
      'validators, from provisioning to the offline audit. Flower: its simulation on Ray, one client a core at a time, the ' +
      'same shards, clipping and noise, no chain. In turns, medians of wall time, on whatever else the machine was doing. ' +
      'Compared are the 30 rounds; whole programs stand beside them: ours also makes keys, starts processes, exports and ' +
      'replays the chain.',
  ],
  seeded: false,
  run: async ({ say }) => {
    const found = await findFlower();
    if ('missing' in found) {
      say(`flower: SKIPPED, it can't be installed: ${found.missing}`);
      return { rows: [skipped], tables: [], plots: [], backend: 'none' };
    }
    const job = jobOf();
    const [ours, theirs]: [DemoRun[], FlowerRun[]] = [[], []];
    for (let turn = 0; turn < TURNS; turn++) {
      ours.push(await demo());
      theirs.push(await runFlower(found.python, job));
      say(`flower: ours ${ours.at(-1)!.seconds.toFixed(1)} s, Flower ${theirs.at(-1)!.seconds.toFixed(1)} s`);
    }
    return { rows: rowsOf(ours, theirs), tables: [], plots: [], backend: 'wasm' };
  },
};

const plain = { goal: null, met: null, reference: null };
const skipped: Row = { name: 'flower: skipped, not to be had here', value: 0, unit: 'runs', ...plain };

function rowsOf(ours: readonly DemoRun[], theirs: readonly FlowerRun[]): readonly Row[] {
  const own = median(ours.map(({ roundSeconds }) => roundSeconds));
  const peer = median(theirs.map(({ roundSeconds }) => roundSeconds));
  const { version } = theirs[0]!;
  const whole = [...ours, ...theirs].every(({ rounds }) => rounds === ROUNDS);
  const met = whole && own <= peer && ours.every(({ verified }) => verified);
  return [
    { name: 'flower: 30 rounds with the chain', value: own, unit: 's', ...plain },
    { name: `flower: the same rounds, Flower ${version}`, value: peer, unit: 's', ...plain },
    {
      name: 'flower: our time over Flower’s',
      value: own / peer,
      unit: '×',
      goal: '<= 1, every round complete and the audit passed',
      met,
      reference: null,
    },
    {
      name: 'flower: whole program, keys, start, export and audit included',
      value: median(ours.map(({ seconds }) => seconds)),
      unit: 's',
      ...plain,
      reference: `Flower’s, imports and Ray included: ${median(theirs.map(({ seconds }) => seconds)).toFixed(1)} s`,
    },
    {
      name: 'flower: accuracy of the last model, ours',
      value: 100 * median(ours.map(({ accuracy }) => accuracy)),
      unit: '%',
      ...plain,
      reference: `Flower ${(100 * median(theirs.map(({ accuracy }) => accuracy))).toFixed(1)} %, one split`,
    },
  ];
}

function jobOf(): FlowerJob {
  const data = loadData({
    data: null,
    schema: null,
    label: null,
    partition: 'iid',
    seed: '1',
    validators: VALIDATORS,
    devices: DEVICES / VALIDATORS,
  });
  const plainOf = (table: Table) => {
    const encoded = encodeRows(table, data.schema);
    if (!encoded.ok) throw new Error('the demo’s data fit their schema');
    const width = encoded.x.length / encoded.y.length;
    const rows = Array.from(encoded.y, (_, row) => [...encoded.x.subarray(row * width, (row + 1) * width)]);
    return { x: rows, y: [...encoded.y] };
  };
  return {
    shards: data.shards.map(plainOf),
    test: plainOf(data.testTable),
    rounds: ROUNDS,
    sigma: SIGMA,
    clip: 1,
    learningRate: 1,
  };
}

function demo(): Promise<DemoRun> {
  const cli = join(import.meta.dirname, '..', '..', 'node', 'cli', 'main.js');
  const limits = { timeout: 900_000, maxBuffer: 16 * 1024 * 1024 };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [cli, 'demo', '--json', '--seed', '1'], limits, (error, stdout, stderr) => {
      if (error !== null) return reject(error);
      const result = JSON.parse(stdout.trim().split('\n').at(-1)!) as Omit<DemoRun, 'roundSeconds'>;
      resolve({ ...result, roundSeconds: roundSecondsOf(stderr) });
    });
  });
}

/** From its lines "[  12.3 s] what": the one before the first round's to the last round's. */
function roundSecondsOf(progress: string): number {
  const lines = [...progress.matchAll(/^\[ *([\d.]+) s\] (.*)$/gm)].map(([, at, what]) => ({
    at: Number(at),
    isRound: /^round \d+ of/.test(what!),
  }));
  const first = lines.findIndex(({ isRound }) => isRound);
  const last = lines.findLast(({ isRound }) => isRound);
  if (first < 1 || last === undefined) throw new Error('the demo told of no round');
  return last.at - lines[first - 1]!.at;
}
