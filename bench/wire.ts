/**
 * What the wire lattice and its entropy coder cost and save. The coder loses nothing, so accuracy is a matter of the
 * lattice: logistic regression on Pima at ε = 3, the same splits and the same noise with and without rounding to it,
 * the last model's accuracy compared pair by pair. Then bits an entry of noise, by dimension and σ.
 *
 * Run: npm run bench -- wire [splits = 20]. A minute.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { drbg, utf8ToBytes } from '../crypto/index.js';
import {
  addNoise,
  createGrid,
  encodeRows,
  encodeUpdate,
  evaluate,
  fineStep,
  type Grid,
  type ModelSpec,
  parseTable,
  readSchema,
  roundToFine,
  splitRows,
  toWire,
  wireStep,
} from '../fl/index.js';
import { gradientSum, startBackend } from '../fl/trainer/index.js';
import type { Row } from './row.js';

const DEVICES = 20;
const ROUNDS = 30;
const TRAIN_ROWS = 537;
const FEATURES = 8;
const SIGMA16 = 439_091; // ε = 3 at δ = 1e-4 over 30 rounds
const MODEL: ModelSpec = { inputs: FEATURES, layers: [{ kind: 'dense', units: 1, activation: 'linear' }] };

interface Data {
  readonly x: Float32Array;
  readonly y: Float32Array;
}

/** Arguments: splits. */
export async function wire(args: readonly string[]): Promise<readonly Row[]> {
  const splits = Number(args[0] ?? 20);
  await startBackend();
  const data = readPima();
  const pairs = Array.from({ length: splits }, (_, split) =>
    [true, false].map((on) => accuracy(data, split, on)),
  );
  const differences = pairs.map(([rounded, plain]) => 100 * (rounded! - plain!));
  const mean = average(differences);
  const error = Math.sqrt(average(differences.map((x) => (x - mean) ** 2)) / Math.max(1, splits - 1));
  const row = (name: string, value: number, unit: string, reference: string | null): Row => {
    return { name, value, unit, goal: null, met: null, reference };
  };
  return [
    row('accuracy on the wire lattice', 100 * average(pairs.map(([rounded]) => rounded!)), '%', null),
    {
      ...row(
        'the same less that on the fine lattice, pair by pair',
        mean,
        'points',
        `± ${error.toFixed(2)}, ${splits} splits`,
      ),
      goal: '>= -2 standard errors',
      met: mean >= -2 * error,
    },
    ...[9, 1_000, 100_000].flatMap((dimension) =>
      [3, 6.7, 12].map((sigma) => {
        const grid = createGrid({ dimension, clip16: 65_536, sigma16: Math.round(sigma * 65_536) });
        const noise = addNoise(
          new Float64Array(dimension),
          grid,
          drbg(utf8ToBytes(`bench/wire/${dimension}`)),
        );
        const bits = (8 * encodeUpdate(toWire(noise, grid), grid).length) / dimension;
        const saved = `${(100 * (1 - bits / 32)).toFixed(1)} % less than float32`;
        const plain = row(`update of ${dimension}, σ ${sigma}`, bits, 'bits an entry', saved);
        // The header of ten bytes is for updates of some length.
        return dimension < 1_000 ? plain : { ...plain, goal: '<= 4.16', met: bits <= 4.16 };
      }),
    ),
  ];
}

/** The last model's accuracy; the noise depends on split, round and device alone. */
function accuracy(data: Data, split: number, rounded: boolean): number {
  const { train, test } = splitRows(data.y.length, TRAIN_ROWS, utf8ToBytes(`bench/wire/split/${split}`));
  const shards = Array.from({ length: DEVICES }, (_, device) =>
    pick(
      data,
      train.filter((_, index) => index % DEVICES === device),
    ),
  );
  const grid = createGrid({ dimension: FEATURES + 1, clip16: 65_536, sigma16: SIGMA16 });
  let weights: Float32Array<ArrayBufferLike> = new Float32Array(FEATURES + 1);
  for (let round = 0; round < ROUNDS; round++) {
    const total = new Float64Array(FEATURES + 1);
    for (const [device, shard] of shards.entries()) {
      const { sum } = gradientSum({ model: MODEL, weights, ...shard }, grid.clip16);
      const noised = addNoise(roundToFine(sum, grid), grid, drbg(utf8ToBytes(`${split}/${round}/${device}`)));
      for (const [i, value] of onLattice(noised, grid, rounded).entries()) total[i]! += value;
    }
    weights = weights.map((weight, i) => weight - total[i]! / TRAIN_ROWS);
  }
  const { x, y } = pick(data, test);
  return evaluate(MODEL, weights, x, y).accuracy;
}

function onLattice(noised: Float64Array, grid: Grid, rounded: boolean): Float64Array {
  if (!rounded) return noised.map((x) => x * fineStep(grid));
  return Float64Array.from(toWire(noised, grid), (x) => x * wireStep(grid));
}

function pick({ x, y }: Data, rows: readonly number[]): Data {
  return {
    x: Float32Array.from(rows.flatMap((row) => [...x.subarray(row * FEATURES, (row + 1) * FEATURES)])),
    y: Float32Array.from(rows, (row) => y[row]!),
  };
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function readPima(): Data {
  const folder = join(import.meta.dirname, '..', '..', 'datasets');
  const table = parseTable(readFileSync(join(folder, 'pima.csv'), 'utf8'));
  const schema = readSchema(JSON.parse(readFileSync(join(folder, 'pima.schema.json'), 'utf8')));
  if (!table.ok || !schema.ok) throw new Error('the Pima data and its schema are read by the tests');
  const encoded = encodeRows(table, schema.schema);
  if (!encoded.ok) throw new Error('the Pima data fit their schema');
  return { x: encoded.x, y: Float32Array.from(encoded.y) };
}
