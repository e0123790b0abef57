/**
 * What the chain costs a round: the CNN of McMahan et al. (1,663,370 parameters) on MNIST, 20 devices, ε = 3, updates of
 * some 850 kB, with four validators as processes and without any. Both train in four threads, add the same noise and
 * encode alike; both end a round by multi-Krum and the mean. In turns, since a machine's speed changes within minutes.
 *
 * BENCH_MNIST names the folder of MNIST's files (or of Fashion-MNIST's); without it the section is skipped.
 */
import { median, type Row } from '../row.js';
import { readImages } from './cnnData.js';
import { type RoundTimes, withChain, withoutChain } from './cnnRuns.js';
import type { Section } from './section.js';

/** All 60,000 of MNIST, or of Fashion-MNIST, dealt to 20 devices, as in the paper. */
const RECORDS = 3_000;
const FULL = { devices: 20, turns: 3 };
const TRIAL = { devices: 4, turns: 1 };
/** Of a turn. */
const ROUNDS = 1;
const SEEDS_OF_A_FULL_RUN = 20;

export const cnn: Section = {
  name: 'cnn',
  title: 'What the chain costs a round of a CNN',
  method: [
    `60,000 images of 28 × 28 (MNIST’s, or Fashion-MNIST’s, which Debian has), ${FULL.devices} devices of ${RECORDS} records, the CNN of 1,663,370 parameters, ε = 3 by noise in each device, ` +
      'multi-Krum and the mean. With the chain: four validators as processes, each hosting its hospital’s devices with one ' +
      'training thread; from the opening of a round to its closing. Without: four training threads in one ' +
      `process, the same noise and encoding, the same rules at the end of a round, no node. One round each, ${FULL.turns} turns, medians.`,
  ],
  seeded: false,
  run: async ({ seeds, say }) => {
    const { devices, turns } = seeds.length >= SEEDS_OF_A_FULL_RUN ? FULL : TRIAL;
    const folder = process.env.BENCH_MNIST ?? '';
    const shards = folder === '' ? null : readImages(folder, devices, RECORDS);
    if (shards === null) {
      say('cnn: SKIPPED, BENCH_MNIST names no folder with MNIST’s files');
      return { rows: [skipped], tables: [], plots: [], backend: 'none' };
    }
    const told = (name: string, times: RoundTimes): RoundTimes => {
      say(`cnn: ${name}: ${times.wallSeconds.toFixed(1)} s a round, ${times.cpuSeconds.toFixed(1)} s CPU`);
      return times;
    };
    const [plain, chain]: [RoundTimes[], RoundTimes[]] = [[], []];
    for (let turn = 0; turn < turns; turn++) {
      plain.push(told('without chain', await withoutChain(shards, ROUNDS)));
      chain.push(told('with chain', await withChain(shards, ROUNDS)));
    }
    return { rows: rowsOf(chain, plain, devices), tables: [], plots: [], backend: 'wasm' };
  },
};

const plain = { goal: null, met: null, reference: null };
const skipped: Row = { name: 'cnn: skipped, no MNIST here', value: 0, unit: 'rounds', ...plain };

function rowsOf(
  chain: readonly RoundTimes[],
  without: readonly RoundTimes[],
  devices: number,
): readonly Row[] {
  const wallOf = (runs: readonly RoundTimes[]) => median(runs.map(({ wallSeconds }) => wallSeconds));
  const cpuOf = (runs: readonly RoundTimes[]) => median(runs.map(({ cpuSeconds }) => cpuSeconds));
  const ratio = wallOf(chain) / wallOf(without);
  const each = (runs: readonly RoundTimes[]) =>
    runs.map(({ wallSeconds }) => wallSeconds.toFixed(0)).join(', ');
  return [
    {
      name: `cnn: a round of ${devices} devices with the chain`,
      value: wallOf(chain),
      unit: 's',
      ...plain,
      reference: `${each(chain)}; without ${wallOf(without).toFixed(1)} s: ${each(without)}`,
    },
    {
      name: 'cnn: time of a round with the chain over that without',
      value: ratio,
      unit: '×',
      goal: '<= 1.10',
      met: ratio <= 1.1,
      reference: 'the paper’s 1.55',
    },
    {
      name: 'cnn: CPU time of a round, the same ratio',
      value: cpuOf(chain) / cpuOf(without),
      unit: '×',
      ...plain,
      reference: `${cpuOf(chain).toFixed(1)} s and ${cpuOf(without).toFixed(1)} s`,
    },
    {
      name: 'cnn: bytes of an update',
      value: chain[0]!.updateBytes,
      unit: 'bytes',
      ...plain,
      reference: `${((100 * chain[0]!.updateBytes) / (4 * 1_663_370)).toFixed(1)} % of float32`,
    },
  ];
}
