import { getBackend, setBackend } from '@tensorflow/tfjs-core';
import { drbg, utf8ToBytes } from '../../crypto/index.js';
import { classCount, initialWeights, type ModelSpec } from '../index.js';
import { backpropagate, type Pass } from './backpropagate.js';
import type { Batch } from './job.js';

/** An optional peer dependency: its install downloads a library, so a user adds it who may and wants to. */
const PACKAGE = '@tensorflow/tfjs-node';
const BACKEND = 'tensorflow';

/** How far the two libraries' float32 results may be apart, beside the largest of them. */
const TOLERANCE = 1e-4;

/**
 * Goes over to the native tensor library if it is installed, loads, and passes a probe beside the one that runs.
 * Null: it runs now; else why it does not, and the other goes on. Never rejects: whatever a foreign library throws.
 *
 * Cost without it: a failed look-up. With it: its start, and two passes of a small network.
 */
export async function goNative(load: () => Promise<unknown> = () => import(PACKAGE)): Promise<string | null> {
  const running = getBackend();
  try {
    await load();
    // Loading it may have made it the backend.
    await setBackend(running);
    const expected = probePasses();
    if (!(await setBackend(BACKEND))) return 'it did not start';
    const fault = faultIn(probePasses(), expected);
    if (fault === null) return null;
    await setBackend(running);
    return fault;
  } catch (error) {
    await setBackend(running);
    return error instanceof Error ? error.message : String(error);
  }
}

/** Every kind of layer, so that no kernel is used that was not compared. */
const model: ModelSpec = {
  inputs: 72,
  layers: [
    { kind: 'reshape', height: 6, width: 6, channels: 2 },
    { kind: 'conv2d', filters: 4, size: 3, padding: 'valid', activation: 'relu' },
    { kind: 'groupNorm', groups: 2 },
    { kind: 'conv2d', filters: 2, size: 3, padding: 'same', activation: 'tanh' },
    { kind: 'pool2d', pool: 'max', size: 2 },
    { kind: 'flatten' },
    { kind: 'dense', units: 6, activation: 'sigmoid' },
    { kind: 'dense', units: 3, activation: 'linear' },
  ],
};
const ROWS = 5;
const REPLACED = 2;

/** One batch, and the same with another record in one place. */
function probePasses(): readonly [Pass, Pass] {
  const random = drbg(utf8ToBytes('probe'));
  const x = Float32Array.from(random(ROWS * model.inputs), (byte) => byte / 128 - 1);
  const y = Float32Array.from({ length: ROWS }, (_, row) => row % classCount(model));
  const batch: Batch = { model, weights: initialWeights(model, utf8ToBytes('probe')), x, y };
  const isReplaced = (at: number) => Math.floor(at / model.inputs) === REPLACED;
  const other = { ...batch, x: x.map((value, at) => (isReplaced(at) ? -value : value)) };
  return [backpropagate(batch), backpropagate(other)];
}

function faultIn([pass, other]: readonly [Pass, Pass], [expected]: readonly [Pass, Pass]): string | null {
  const [found, wanted] = [numbersOf(pass), numbersOf(expected)];
  const far = found.findIndex((values, part) => !areClose(values, wanted[part]!));
  if (far >= 0) return `its results differ from the other library’s (part ${far} of the probe)`;
  // What clipping rests on: no record's numbers depend on those of the records beside it.
  const changed = numbersOf(other);
  const isFree = found.every((values, part) => {
    const width = values.length / ROWS;
    return values.every((value, at) => Math.floor(at / width) === REPLACED || value === changed[part]![at]);
  });
  return isFree ? null : 'a record’s results depend on the records beside it';
}

function numbersOf({ parts, losses }: Pass): readonly Float32Array[] {
  const slopes = parts.flatMap((part) => (part.kind === 'outer' ? [part.a, part.d] : [part.g]));
  return [...slopes, Float32Array.from(losses)];
}

function areClose(found: Float32Array, wanted: Float32Array): boolean {
  const most = wanted.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  return (
    found.length === wanted.length &&
    found.every((value, at) => Math.abs(value - wanted[at]!) <= TOLERANCE * Math.max(most, 1e-3))
  );
}
