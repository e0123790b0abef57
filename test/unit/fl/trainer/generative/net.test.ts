import { beforeAll, describe, expect, it } from 'vitest';
import { normalDraws } from '../../../../../fl/index.js';
import { addWeighted } from '../../../../../fl/trainer/clip.js';
import {
  conv1d,
  dense,
  groupNorm,
  leakyRelu,
  tanh,
  transposed1d,
} from '../../../../../fl/trainer/generative/layers.js';
import { createNet, runNet, startWeights } from '../../../../../fl/trainer/generative/net.js';
import { gather, scatter, windowsOf } from '../../../../../fl/trainer/generative/windows.js';
import { startBackend } from '../../../../../fl/trainer/index.js';
import { seeded } from '../../synthetic/jobs.js';

beforeAll(() => startBackend());

const numbers = (count: number, text: string) => Float32Array.from(normalDraws(count, seeded(text)));
const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, value, at) => sum + value * b[at]!, 0);

const nets = [
  {
    name: 'narrowing',
    net: createNet([8, 3], [conv1d(4, 2), leakyRelu(0.2), conv1d(8, 2), groupNorm(4), tanh(), dense([2])]),
    wanted: [[4, 4], [2, 8], [2]],
  },
  {
    name: 'widening',
    net: createNet(
      [5],
      [dense([2, 4]), transposed1d(3, 2), groupNorm(1), tanh(), transposed1d(1, 2), tanh()],
    ),
    wanted: [
      [2, 4],
      [4, 3],
      [8, 1],
    ],
  },
];

describe('windows', () => {
  it('overlap by half, with zeros beyond the ends', () => {
    const windows = windowsOf(4, 1, 2);
    expect([...gather(windows, Float32Array.from([1, 2, 3, 4]))]).toEqual([0, 1, 2, 3, 2, 3, 4, 0]);
    expect([...scatter(windows, Float32Array.from([9, 1, 2, 3, 20, 30, 40, 9]))]).toEqual([1, 22, 33, 40]);
  });

  it('are gathered and scattered by transposed maps', () => {
    const windows = windowsOf(12, 3, 2);
    const [lines, gathered] = [numbers(2 * 36, 'lines'), numbers(2 * 6 * 12, 'gathered')];
    expect(dot(gather(windows, lines), gathered)).toBeCloseTo(dot(lines, scatter(windows, gathered)), 3);
  });
});

describe.each(nets)('a $name net', ({ net, wanted }) => {
  const rows = 3;

  it('narrows by strided, widens by transposed convolutions', () => {
    const shapes = net.layers.filter(({ parameters }) => parameters > 0).map(({ output }) => output);
    expect([shapes[0], shapes[1], shapes.at(-1)]).toEqual(wanted);
  });

  it('has the gradients that small steps measure, of weights and of inputs', () => {
    const weights = startWeights(net, seeded('weights')).map((weight, at) => weight + 0.1 * Math.sin(at));
    const x = numbers(rows * net.inputs, 'x');
    const slopes = numbers(rows * net.outputs, 'slopes');
    const loss = (w: Float32Array, input: Float32Array) => dot(runNet(net, w, input).out, slopes);
    const { parts, dx } = runNet(net, weights, x).backward(slopes, { part: true, input: true });
    const gradient = new Float64Array(net.parameters);
    addWeighted({ rows, parts, losses: new Float64Array() }, [1, 1, 1], 2 ** -40, gradient);
    const moved = (values: Float32Array, at: number, by: number) =>
      values.map((value, index) => (index === at ? value + by : value));
    const step = 2 ** -7;
    for (let at = 0; at < net.parameters; at += 7) {
      const measured = (loss(moved(weights, at, step), x) - loss(moved(weights, at, -step), x)) / (2 * step);
      expect(Math.abs(gradient[at]! - measured), `weight ${at}`).toBeLessThan(
        0.01 + 0.01 * Math.abs(measured),
      );
    }
    for (let at = 0; at < x.length; at += 5) {
      const measured = (loss(weights, moved(x, at, step)) - loss(weights, moved(x, at, -step))) / (2 * step);
      expect(Math.abs(dx![at]! - measured), `input ${at}`).toBeLessThan(0.01 + 0.01 * Math.abs(measured));
    }
  });
});
