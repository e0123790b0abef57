import { encodeSafetensors, type ModelSpec, namedTensors } from '../../fl/index.js';
import { piecesOf, qModel, type ReportedPiece } from '../../node/pmta/index.js';
import { createRandom, defaultDqn, sizesInProportion, trainDqn } from '../../pmta/index.js';

/** A file as `model export --format safetensors` writes it. */
export function tensorFile(
  weights: Float32Array,
  metadata: Readonly<Record<string, string>> = { task: '1' },
  model: ModelSpec = qModel,
): Uint8Array {
  return encodeSafetensors({ tensors: namedTensors(model, weights), metadata });
}

/** A network that has learned from these reports; readers 0 .. providers − 1, named by `nameOf`. */
export function learnedFrom(
  reports: readonly ReportedPiece[],
  area: string,
  providers: number,
  nameOf: (index: number) => string,
): Float32Array {
  const names = Array.from({ length: providers }, (_, at) => nameOf(at));
  const pieces = piecesOf({ file: 'reports', hash: '', pieces: reports }, { name: area, providers: names });
  const clusters = names.map((_, at) => at % 2);
  const log = { area: { clusters, sizes: sizesInProportion(providers, [1, 1, 1]), readers: 3 }, pieces };
  return Float32Array.from(trainDqn(log, defaultDqn, createRandom(new Uint8Array(32))).weights);
}
