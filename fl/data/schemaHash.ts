import { sha256, utf8ToBytes } from '../../crypto/index.js';
import { checkSchema, type DataSchema } from './schema.js';

const HASH_TAG = 'consilium/data-schema/2';

/**
 * SHA-256 of a schema: 32 bytes. Two schemas that encode some row differently, weigh it differently or read
 * another subject have different hashes.
 *
 * Preimage: the tag, the number of features, per feature name, kind (0 number, 1 category), count, center, scale,
 * min, max, categories, missing, indicator, then the label's name, classes, weights, then subject and site. A text
 * is its UTF-8 length and bytes, a number 8 bytes, all big-endian (two's complement), a list its length and items,
 * null a list of none; so no two schemas share a preimage. The sources are for people and no part of it. The
 * schema must pass checkSchema.
 */
export function schemaHash(schema: DataSchema): Uint8Array {
  const problem = checkSchema(schema);
  if (problem !== null) throw new RangeError(problem);
  const parts: Uint8Array[] = [...text(HASH_TAG), int64(schema.features.length)];
  for (const feature of schema.features) {
    parts.push(...text(feature.name), int64(feature.kind === 'number' ? 0 : 1), int64(feature.count));
    for (const value of [feature.centerMicro, feature.scaleMicro, feature.minMicro, feature.maxMicro])
      parts.push(int64(value));
    parts.push(...texts(feature.categories), ...texts(feature.missing), int64(feature.indicator ? 1 : 0));
  }
  const { name, classes, weights16 } = schema.label;
  parts.push(...text(name), ...texts(classes), int64(weights16.length), ...weights16.map(int64));
  for (const column of [schema.subject, schema.site]) parts.push(...texts(column === null ? [] : [column]));
  return sha256(...parts);
}

function texts(values: readonly string[]): Uint8Array[] {
  return [int64(values.length), ...values.flatMap(text)];
}

function text(value: string): Uint8Array[] {
  const bytes = utf8ToBytes(value);
  return [int64(bytes.length), bytes];
}

function int64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value));
  return bytes;
}
