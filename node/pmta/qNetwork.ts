import { createHash } from 'node:crypto';
import { payloadId } from '../../chain/index.js';
import { bytesToHex } from '../../crypto/index.js';
import { decodeSafetensors, encodeWeights, type ModelSpec, tensorShapes } from '../../fl/index.js';
import { defaultDqn, modelOf, shapeOf, type Weights } from '../../pmta/index.js';
import { DataError } from '../data/index.js';

/** The model of every task that trains a Q-network: what `pmta run` can allocate with. */
export const qModel: ModelSpec = modelOf(shapeOf(defaultDqn.hidden));

/** A file of one: a few hundred bytes of weights, and a header with whatever its writer says of them. */
export const Q_NETWORK_BYTES_MAX = 65_536;

/** A Q-network that a task ended with. */
export interface QNetwork {
  /** SHA-256 of the file, hex: what the model's card names. */
  readonly hash: string;
  /** By which the chain names the model, hex. It depends on the weights alone, and not on who wrote the file. */
  readonly model: string;
  readonly weights: Weights;
}

/**
 * The Q-network of a file that `consilium model export --format safetensors` writes. `file` names it in messages.
 *
 * Throws DataError "unfit" for bytes that are no such file, tensors of other names or shapes, and weights that are not
 * finite. That the rows it learned were those of an allocation no file can show: who publishes the task knows.
 */
export function parseQNetwork(file: string, bytes: Uint8Array): QNetwork {
  const unfit = (detail: string) => new DataError('unfit', file, `${detail}: ${WHAT_TO_DO}`);
  const read = decodeSafetensors(bytes);
  if (!read.ok) throw unfit(`it is no safetensors file (${read.text})`);
  const found = new Map(read.tensors.map((tensor) => [tensor.name, tensor]));
  const wanted = tensorShapes(qModel);
  const told = (shapes: readonly { readonly name: string; readonly shape: readonly number[] }[]) =>
    shapes.map(({ name, shape }) => `${name} [${shape.join(', ')}]`).join(', ');
  const isShaped =
    found.size === wanted.length &&
    wanted.every(({ name, shape }) => found.get(name)?.shape.join() === shape.join());
  if (!isShaped) {
    const own = told(read.tensors.slice(0, TOLD_MAX)) || 'no tensors';
    throw unfit(`it is no Q-network: it has ${own}, and a Q-network ${told(wanted)}`);
  }
  const weights = Float32Array.from(wanted.flatMap(({ name }) => [...found.get(name)!.data]));
  if (!weights.every(Number.isFinite)) throw unfit('a weight is no finite number');
  return {
    hash: createHash('sha256').update(bytes).digest('hex'),
    model: bytesToHex(payloadId(encodeWeights(weights))),
    weights: Float64Array.from(weights),
  };
}

const TOLD_MAX = 8;
const WHAT_TO_DO =
  'take model.safetensors of "consilium model export TASK --format safetensors", of a task that "consilium pmta rows" wrote';
