import type { RandomBytes } from '../../../crypto/index.js';
import { createAdam, createGrid, type DataSchema, drawLabels, normalDraws } from '../../index.js';
import { requireBackend } from '../backend.js';
import type { Pass } from '../backpropagate.js';
import { addWeighted } from '../clip.js';
import { conv1d, dense, groupNorm, leakyRelu, tanh, transposed1d } from './layers.js';
import { clippedSum, noisedLot, rowsOf } from './lots.js';
import { createNet, type Net, runNet, startWeights } from './net.js';
import { signalOf } from './signal.js';
import type { Lots } from './trainInLots.js';

/** Size and pace of a DCGAN. `Lots` are the discriminator's. */
export interface GanSettings extends Lots {
  /** Numbers that a row is made from, beside its class. */
  readonly latent: number;
  /** Channels next to the row's end; twice as many behind the second convolution. */
  readonly filters: number;
  /** Lots between two steps of the generator. */
  readonly lotsPerStep: number;
  /** Rows that the generator makes for a step, its own or the discriminator's. */
  readonly fakes: number;
}

export interface Gan {
  /** Rows of these classes, [labels][width of the schema]; they need not keep it yet. */
  generate(labels: Float32Array, random: RandomBytes): Float32Array;
  /** The discriminator's logits: how much it takes rows for real ones. */
  judge(x: Float32Array, y: Float32Array): Float32Array;
}

const STRIDE = 2;
/** What two strides make of a line: its length must be a multiple. */
const FACTOR = STRIDE * STRIDE;
const GROUPS = 4;

/**
 * A DCGAN for rows: the columns are a line, which the generator widens by two transposed convolutions from a latent vector and the
 * class, and the discriminator narrows by two strided ones, with the class as channels beside it.
 *
 * Only the discriminator sees records: one lot's clipped gradients, noised, a step (`noisedLot`; rows of the generator are nobody's, their
 * gradients are clipped so that neither side outweighs, and not noised). The generator learns from the discriminator alone, so it, its rows and the discriminator itself are post-processing. Group norm instead of batch norm, which would let one record into
 * the gradients of all others. sigma16 0: no privacy, for comparison.
 * counts: how common each class is, [classes], from outside.
 * Source: Radford et al. 2016, arXiv:1511.06434 (DCGAN); Xie et al. 2018, arXiv:1802.06739 (DP-GAN); Bie et al. 2023,
 *   arXiv:2302.02936 (several lots a step of the generator).
 */
export function trainGan(
  { schema, x, y }: { readonly schema: DataSchema; readonly x: Float32Array; readonly y: Float32Array },
  counts: Float64Array,
  settings: GanSettings,
  sigma16: number,
  random: RandomBytes,
): Gan {
  requireBackend();
  const { latent, filters, lots, lotsPerStep, rate32, clip16, learningRate, fakes } = settings;
  const classes = counts.length;
  const signal = signalOf(schema, FACTOR);
  const generator = generatorNet(latent + classes, signal.length, filters);
  const discriminator = discriminatorNet(signal.length, 1 + classes, filters);
  const made = startWeights(generator, random);
  const judging = startWeights(discriminator, random);
  const moveMade = createAdam(generator.parameters, { rate: learningRate, momentum: 0.5 });
  const moveJudging = createAdam(discriminator.parameters, { rate: learningRate, momentum: 0.5 });
  const grid = createGrid({ dimension: discriminator.parameters, clip16, sigma16 });
  const records = beside(signal.toSignal(x), y, classes, signal.length);
  const width = (1 + classes) * signal.length;
  const expected = (y.length * rate32) / 2 ** 32;

  /** Rows with their classes beside them, as the discriminator takes them, and how they were made. */
  const fake = (rows: number) => {
    const labels = drawLabels(rows, counts, random);
    const pass = runNet(generator, made, latentOf(labels, classes, latent, random));
    return { pass, x: beside(pass.out, labels, classes, signal.length) };
  };
  for (let lot = 0; lot < lots; lot++) {
    const passOf = (values: Float32Array, label: number) => (rows: Int32Array) =>
      judged(discriminator, judging, rowsOf(values, width, rows), label);
    const real = noisedLot({ records: y.length, rate32, grid }, passOf(records, 1), random);
    const own = clippedSum(numbersTo(fakes), passOf(fake(fakes).x, 0), grid);
    moveJudging(
      judging,
      real.map((entry, at) => (entry / expected + own[at]! / fakes) / 2),
    );
    if ((lot + 1) % lotsPerStep !== 0) continue;
    moveMade(made, generatorGradient(fake(fakes)));
  }

  /** That of the mean loss -log D(G(z)). */
  function generatorGradient({ pass, x: values }: ReturnType<typeof fake>): Float64Array {
    const { out, backward } = runNet(discriminator, judging, values);
    const { dx } = backward(slopesOf(out, 1), { part: false, input: true });
    const rows = out.length;
    const d = Float32Array.from({ length: rows * signal.length }, (_, at) => dx![at * (1 + classes)]! / rows);
    const { parts } = pass.backward(d, { part: true, input: false });
    const sum = new Float64Array(generator.parameters);
    addWeighted({ rows, parts, losses: new Float64Array() }, new Float64Array(rows).fill(1), 2 ** -44, sum);
    return sum;
  }

  return {
    generate: (labels, draws) =>
      signal.fromSignal(runNet(generator, made, latentOf(labels, classes, latent, draws)).out),
    judge: (rows, labels) =>
      runNet(discriminator, judging, beside(signal.toSignal(rows), labels, classes, signal.length)).out,
  };
}

function generatorNet(inputs: number, length: number, filters: number): Net {
  return createNet(
    [inputs],
    [
      dense([length / FACTOR, 2 * filters]),
      groupNorm(GROUPS),
      leakyRelu(0),
      transposed1d(filters, STRIDE),
      groupNorm(GROUPS),
      leakyRelu(0),
      transposed1d(1, STRIDE),
      tanh(),
    ],
  );
}

/** No norm on the first layer, as in DCGAN. */
function discriminatorNet(length: number, channels: number, filters: number): Net {
  return createNet(
    [length, channels],
    [
      conv1d(filters, STRIDE),
      leakyRelu(0.2),
      conv1d(2 * filters, STRIDE),
      groupNorm(GROUPS),
      leakyRelu(0.2),
      dense([1]),
    ],
  );
}

/** Forward and backward of the discriminator on rows that are all real (1) or all made (0). */
function judged(net: Net, weights: Float32Array, x: Float32Array, label: number): Pass {
  const { out, backward } = runNet(net, weights, x);
  const { parts } = backward(slopesOf(out, label), { part: true, input: false });
  return { rows: out.length, parts, losses: new Float64Array() };
}

/** Derivative of the cross-entropy by each logit. */
function slopesOf(logits: Float32Array, label: number): Float32Array {
  return logits.map((logit) => 1 / (1 + Math.exp(-logit)) - label);
}

/** [rows][length] and their classes become [rows][length][1 + classes]: each class a channel of 1 or 0 beside the values. */
function beside(signal: Float32Array, labels: Float32Array, classes: number, length: number): Float32Array {
  const channels = 1 + classes;
  const values = new Float32Array(signal.length * channels);
  for (let at = 0; at < signal.length; at++) {
    values[at * channels] = signal[at]!;
    values[at * channels + 1 + labels[Math.floor(at / length)]!] = 1;
  }
  return values;
}

/** [labels][latent + classes]: normal numbers, then the class. */
function latentOf(labels: Float32Array, classes: number, latent: number, random: RandomBytes): Float32Array {
  const width = latent + classes;
  const z = new Float32Array(labels.length * width);
  const normal = normalDraws(labels.length * latent, random);
  for (const [row, label] of labels.entries()) {
    z.set(normal.subarray(row * latent, (row + 1) * latent), row * width);
    z[row * width + latent + label] = 1;
  }
  return z;
}

function numbersTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
