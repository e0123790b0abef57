import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bytesToHex, sha256, utf8ToBytes } from '../../crypto/index.js';
import {
  decodeWeights,
  encodeLayersModel,
  encodeSafetensors,
  namedTensors,
  parameterCount,
  schemaJson,
} from '../../fl/index.js';
import packageJson from '../../package.json' with { type: 'json' };
import { formatCard, type ModelCard, modelCard } from './card.js';
import { ModelError, type ModelFacts } from './facts.js';

export const exportFormats = ['tfjs', 'safetensors'] as const;
export type ExportFormat = (typeof exportFormats)[number];

interface File {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The weights of a model's bytes. Throws ModelError "wrong-bytes". */
export function weightsOf({ model, spec }: Pick<ModelFacts, 'model' | 'spec'>): Float32Array {
  const weights = decodeWeights(model.bytes, parameterCount(spec.model));
  if (weights === null) throw new ModelError('wrong-bytes', 'the weights do not fit the model');
  return weights;
}

/**
 * Writes a model, the schema that makes its inputs, and its card into a folder that is new or empty:
 * `model.json` and `weights.bin`, or `model.safetensors`; `schema.json`; `card.md` and `card.json`.
 * The same facts give the same bytes. Throws ModelError "wrong-bytes", "folder-in-use",
 * "no-such-form".
 */
export function writeModel(facts: ModelFacts, format: ExportFormat, folder: string): ModelCard {
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new ModelError('folder-in-use', `${folder} is not empty: a model is never written over another`);
  const software = `consilium ${packageJson.version}`;
  const files = [
    ...modelFiles(facts, format, software),
    { name: 'schema.json', bytes: jsonBytes(schemaJson(facts.spec.schema)) },
  ];
  const hashes = files.map(({ name, bytes }) => ({ name, sha256: bytesToHex(sha256(bytes)) }));
  const card = modelCard(facts, hashes, software);
  mkdirSync(folder, { recursive: true });
  for (const { name, bytes } of files) writeFileSync(join(folder, name), bytes, { flag: 'wx' });
  writeFileSync(join(folder, 'card.json'), jsonBytes(card), { flag: 'wx' });
  writeFileSync(join(folder, 'card.md'), formatCard(card), { flag: 'wx' });
  return card;
}

function modelFiles(facts: ModelFacts, format: ExportFormat, software: string): File[] {
  const { spec, chain, task, model } = facts;
  const weights = weightsOf(facts);
  switch (format) {
    case 'tfjs': {
      const layers = encodeLayersModel(spec.model, weights, `consilium-task-${task}`, software);
      if (!layers.ok) throw new ModelError('no-such-form', `${layers.reason}; take --format safetensors`);
      return [
        { name: 'model.json', bytes: jsonBytes(layers.model) },
        { name: 'weights.bin', bytes: layers.weights },
      ];
    }
    case 'safetensors': {
      const metadata = { chain: chain.id, task: String(task), model: model.id, software };
      const tensors = namedTensors(spec.model, weights);
      return [{ name: 'model.safetensors', bytes: encodeSafetensors({ tensors, metadata }) }];
    }
    default:
      return format satisfies never;
  }
}

function jsonBytes(value: unknown): Uint8Array {
  return utf8ToBytes(`${JSON.stringify(value, null, 2)}\n`);
}
