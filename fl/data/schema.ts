import { sha256, utf8ToBytes } from '../../crypto/index.js';

/** Bounds of a schema: it goes on chain, so it is small and whole-numbered. */
export const FEATURES_MAX = 1_024;
export const NAME_CHARS_MAX = 64;
/** Largest absolute value of a number in a schema: 10⁹ in units of the column. */
export const MICRO_MAX = 1_000_000_000_000_000;
/** Largest absolute value of an encoded feature, so that float32 training cannot overflow on input alone. */
export const ENCODED_MAX = 1_000_000;
/** One unit of a column, in schema numbers. */
export const MICRO = 1_000_000;

/** One input column. Unit of the numbers: 10⁻⁶ of the column's unit, integers (they go on chain). */
export interface FeatureSchema {
  readonly name: string;
  readonly centerMicro: number;
  readonly scaleMicro: number;
  readonly minMicro: number;
  readonly maxMicro: number;
  readonly zeroIsMissing: boolean;
}

/** What a table must hold to train on it: the order of features is the order of the model's inputs. */
export interface DataSchema {
  readonly features: readonly FeatureSchema[];
  readonly label: { readonly name: string; readonly positive: string; readonly negative: string };
}

/**
 * What is wrong with a schema, as a sentence, or null.
 *
 * Asks for: 1 to FEATURES_MAX features with distinct, non-empty, trimmed, well-formed names of up to
 * NAME_CHARS_MAX characters, the label's name not among them; safe integers up to MICRO_MAX; scale > 0;
 * min < max; min <= center <= max; encoded values up to ENCODED_MAX; two label values that differ also when
 * they are read as numbers.
 */
export function checkSchema(schema: DataSchema): string | null {
  const { features, label } = schema;
  if (features.length === 0) return 'the schema has no features';
  if (features.length > FEATURES_MAX) return `${features.length} features, at most ${FEATURES_MAX}`;
  const names = new Set<string>();
  for (const feature of features) {
    const problem = checkName(feature.name) ?? checkNumbers(feature);
    if (problem !== null) return problem;
    if (names.has(feature.name)) return `the feature ${feature.name} is there twice`;
    names.add(feature.name);
  }
  if (names.has(label.name)) return `the label ${label.name} is also a feature`;
  const problem = checkName(label.name) ?? checkName(label.positive) ?? checkName(label.negative);
  if (problem !== null) return problem;
  if (labelText(label.positive) === labelText(label.negative)) return 'both label values are the same';
  return null;
}

function checkName(name: string): string | null {
  if (name === '' || name !== name.trim()) return `a name is empty or has blanks around it: "${name}"`;
  if (name.length > NAME_CHARS_MAX) return `a name is over ${NAME_CHARS_MAX} characters: ${name}`;
  // A lone surrogate has no UTF-8 form: two names could then share one hash.
  if (!name.isWellFormed() || /\p{Cc}/u.test(name)) return 'a name has characters that cannot be printed';
  return null;
}

function checkNumbers(feature: FeatureSchema): string | null {
  const { name, centerMicro, scaleMicro, minMicro, maxMicro } = feature;
  const numbers = [centerMicro, scaleMicro, minMicro, maxMicro];
  if (!numbers.every((value) => Number.isSafeInteger(value) && Math.abs(value) <= MICRO_MAX))
    return `${name}: a number is out of range (at most ${MICRO_MAX / MICRO} in absolute value)`;
  if (scaleMicro <= 0) return `${name}: the scale must be above 0`;
  if (minMicro >= maxMicro) return `${name}: min must be below max`;
  if (centerMicro < minMicro || centerMicro > maxMicro) return `${name}: the center must lie in [min, max]`;
  const reach = Math.max(maxMicro - centerMicro, centerMicro - minMicro);
  if (reach > ENCODED_MAX * scaleMicro) return `${name}: the scale is too small for its bounds`;
  return null;
}

/** Decimal number as people and spreadsheets write it; no hexadecimal, no Infinity, no thousands marks. */
export function parseNumber(cell: string): number | null {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$/.test(cell)) return null;
  const value = Number(cell);
  return Number.isFinite(value) ? value : null;
}

/** A label cell in the form in which labels are compared: numbers by value (1 = 1.0), the rest as text. */
export function labelText(cell: string): string {
  const value = parseNumber(cell);
  return value === null ? cell : String(value + 0);
}

const HASH_TAG = 'consilium/data-schema/1';

/**
 * SHA-256 of a schema: 32 bytes.
 *
 * Preimage: the tag, the number of features, per feature name, center, scale, min, max, zeroIsMissing, then
 * the label's name, positive, negative. A text is its UTF-8 length and bytes, a number 8 bytes, all
 * big-endian (two's complement), so that no two schemas share a preimage. The schema must pass checkSchema.
 */
export function schemaHash(schema: DataSchema): Uint8Array {
  const problem = checkSchema(schema);
  if (problem !== null) throw new RangeError(problem);
  const parts: Uint8Array[] = [...text(HASH_TAG), int64(schema.features.length)];
  for (const feature of schema.features) {
    parts.push(...text(feature.name));
    for (const value of [feature.centerMicro, feature.scaleMicro, feature.minMicro, feature.maxMicro])
      parts.push(int64(value));
    parts.push(int64(feature.zeroIsMissing ? 1 : 0));
  }
  const { name, positive, negative } = schema.label;
  parts.push(...text(name), ...text(positive), ...text(negative));
  return sha256(...parts);
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
