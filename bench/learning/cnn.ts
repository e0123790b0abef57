/**
 * What the chain costs a round: the CNN of McMahan et al. (1,663,370 parameters) on MNIST, 20 devices, ε = 3, updates of
 * some 850 kB, with four validators as processes and without any. Both train in four threads, add the same noise and
 * encode alike; both end a round by multi-Krum and the mean. In turns, the plain run before and after.
 *
 * BENCH_MNIST names the folder of MNIST's files (or of Fashion-MNIST's); without it the section is skipped.
 */
import type { Row } from '../row.js';
import { readImages } from './cnnData.js';
import { type RoundTimes, withChain, withoutChain } from './cnnRuns.js';
import type { Section } from './section.js';

/** All 60,000 of MNIST, or of Fashion-MNIST, dealt to 20 devices, as in the paper. */
const RECORDS = 3_000;
const FULL = { devices: 20, rounds: 2 };
const TRIAL = { devices: 4, rounds: 1 };
const SEEDS_OF_A_FULL_RUN = 20;

export const cnn: Section = {
  name: 'cnn',
  title: 'What the chain costs a round of a CNN',
  method: [
    `60,000 images of 28 × 28 (MNIST’s, or Fashion-MNIST’s, which Debian has), ${FULL.devices} devices of ${RECORDS} records, ${FULL.rounds} rounds, the CNN of 1,663,370 parameters, ε = 3 by noise in each device, ` +
      'multi-Krum and the mean. With the chain: four validators as processes, each hosting its hospital’s devices with one ' +
      'training thread; from the opening of round 1 to the closing of the last, a round. Without: four training threads in one ' +
      'process, the same noise and encoding, the same rules at the end of a round, no node; run before and after, averaged.',
  ],
  seeded: false,
  run: async ({ seeds, say }) => {
    const { devices, rounds } = seeds.length >= SEEDS_OF_A_FULL_RUN ? FULL : TRIAL;
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
    const before = told('without chain', await withoutChain(shards, rounds));
    const chain = told('with chain', await withChain(shards, rounds));
    const after = told('without chain', await withoutChain(shards, rounds));
    return { rows: rowsOf(chain, [before, after], devices), tables: [], plots: [], backend: 'wasm' };
  },
};

const plain = { goal: null, met: null, reference: null };
const skipped: Row = { name: 'cnn: skipped, no MNIST here', value: 0, unit: 'rounds', ...plain };

function rowsOf(chain: RoundTimes, without: readonly RoundTimes[], devices: number): readonly Row[] {
  const mean = (pick: (times: RoundTimes) => number) =>
    without.reduce((sum, times) => sum + pick(times), 0) / without.length;
  const [wall, cpu] = [mean(({ wallSeconds }) => wallSeconds), mean(({ cpuSeconds }) => cpuSeconds)];
  const ratio = chain.wallSeconds / wall;
  return [
    {
      name: `cnn: a round of ${devices} devices with the chain`,
      value: chain.wallSeconds,
      unit: 's',
      ...plain,
      reference: `without ${wall.toFixed(1)} s`,
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
      value: chain.cpuSeconds / cpu,
      unit: '×',
      ...plain,
      reference: `${chain.cpuSeconds.toFixed(1)} s and ${cpu.toFixed(1)} s`,
    },
    {
      name: 'cnn: bytes of an update',
      value: chain.updateBytes,
      unit: 'bytes',
      ...plain,
      reference: `${((100 * chain.updateBytes) / (4 * 1_663_370)).toFixed(1)} % of float32`,
    },
  ];
}
