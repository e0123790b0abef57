/**
 * One training step beside PyTorch's: same shapes, batch 64, one thread. Ours clips each record's gradient and sums
 * exactly; PyTorch's takes the mean gradient as it comes (forward, backward, SGD), which is less work.
 *
 * CPU time, since other work shares the machine; both take turns, and the median of all steps counts.
 */
import { gradientSum, startBackend } from '../../fl/trainer/index.js';
import { findTorch, type Torch, torchSteps } from '../peers/torch.js';
import { median, type Row } from '../row.js';
import { cnnModel, denseModel, randomBatch } from './stepModels.js';

const BATCH = 64;
const CLIP16 = 65_536;
const TURNS = 3;

interface Case {
  readonly name: 'dense' | 'cnn';
  readonly title: string;
  readonly model: typeof denseModel;
  readonly factor: number;
  readonly warm: number;
  readonly steps: number;
}

const cases: readonly Case[] = [
  { name: 'dense', title: 'dense 8-64-32-2', model: denseModel, factor: 2, warm: 2_000, steps: 2_000 },
  { name: 'cnn', title: 'CNN of 1,663,370 parameters', model: cnnModel, factor: 5, warm: 8, steps: 10 },
];

export async function step(): Promise<readonly Row[]> {
  await startBackend();
  const torch = await findTorch();
  if ('missing' in torch) process.stderr.write(`step: PyTorch SKIPPED: ${torch.missing}\n`);
  const rows: Row[] = [];
  for (const each of cases) rows.push(...(await measure(each, 'missing' in torch ? null : torch)));
  return rows;
}

async function measure(
  { name, title, model, factor, warm, steps }: Case,
  torch: Torch | null,
): Promise<readonly Row[]> {
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let turn = 0; turn < TURNS; turn++) {
    ours.push(...ownSteps(model, warm, steps));
    if (torch !== null) theirs.push(...(await torchSteps(torch, name, warm, steps)).cpu);
  }
  const own = median(ours);
  const peer = torch === null ? null : median(theirs);
  const reference =
    torch === null || peer === null
      ? 'PyTorch: skipped, not here'
      : `PyTorch ${torch.version}: ${peer.toFixed(2)} ms, without clipping`;
  const plain = { unit: 'ms CPU', goal: null, met: null, reference };
  const row: Row = { name: `step: ${title}, batch ${BATCH}, each record clipped`, value: own, ...plain };
  if (peer === null) return [row];
  const ratio = own / peer;
  return [
    row,
    {
      name: `step: ${title}, against PyTorch`,
      value: ratio,
      unit: '×',
      goal: `<= ${factor}`,
      met: ratio <= factor,
      reference: 'median CPU time of a step, both on one thread, in turns',
    },
  ];
}

/** CPU milliseconds of each step: clipped gradient sum, then the weights move. */
function ownSteps(model: typeof denseModel, warm: number, steps: number): number[] {
  const batch = randomBatch(model, BATCH);
  const times: number[] = [];
  let weights = batch.weights;
  for (let at = 0; at < warm + steps; at++) {
    const before = process.cpuUsage();
    const { sum } = gradientSum({ ...batch, weights }, CLIP16);
    const next = new Float32Array(weights.length);
    for (let index = 0; index < next.length; index++)
      next[index] = weights[index]! - (0.01 * sum[index]!) / BATCH;
    weights = next;
    const { user, system } = process.cpuUsage(before);
    if (at >= warm) times.push((user + system) / 1e3);
  }
  return times;
}
