import { utf8ToBytes } from '../../crypto/index.js';

/** Bounds of a schema: it goes on chain, so it is small and whole-numbered. */
export const FEATURES_MAX = 1_024;
/** Numbers that one row may become: as many as a model may take in. */
export const COLUMNS_MAX = 65_536;
/** UTF-8 bytes of a name, a category, a class or a text that stands for a missing value. */
export const NAME_BYTES_MAX = 64;
export const SOURCE_BYTES_MAX = 400;
export const CATEGORIES_MAX = 64;
export const CLASSES_MAX = 1_000;
export const MISSING_MAX = 8;
/** Largest absolute value of a number in a schema: 10⁹ in units of the column. */
export const MICRO_MAX = 1_000_000_000_000_000;
/** Largest absolute value of an encoded feature, so that float32 training cannot overflow on input alone. */
export const ENCODED_MAX = 1_000_000;
/** One unit of a column, in schema numbers. */
export const MICRO = 1_000_000;
/** Class weight 1, in schema numbers: 2^-16. */
export const WEIGHT_ONE = 65_536;
/** Largest class weight, 64. */
export const WEIGHT16_MAX = 64 * WEIGHT_ONE;

/**
 * One input: a column of numbers, `count` columns of them that share everything (pixels), or a column of
 * categories. Unit of the numbers: 10⁻⁶ of the column's unit, integers (they go on chain).
 */
export interface FeatureSchema {
  /** The column. With count > 1 the columns are NAME0, NAME1, ... */
  readonly name: string;
  readonly kind: 'number' | 'category';
  readonly count: number;
  readonly centerMicro: number;
  readonly scaleMicro: number;
  readonly minMicro: number;
  readonly maxMicro: number;
  /** A category's values, each of which becomes a column of 0 and 1. Empty for numbers. */
  readonly categories: readonly string[];
  /** Cells that mean "not known", besides the empty ones; numbers by value ("0" is also "0.0"). */
  readonly missing: readonly string[];
  /** One more column for each of the count: 1 where the value is missing, else 0. */
  readonly indicator: boolean;
  /** Where the numbers come from, for people: never from private rows. */
  readonly source: string;
}

/** What is to be predicted: y is the index of the class. Two classes: [negative, positive]. */
export interface LabelSchema {
  readonly name: string;
  readonly classes: readonly string[];
  /** What a row of each class weighs in training, in units of 2^-16; empty: all 1. */
  readonly weights16: readonly number[];
}

/** What a table must hold to train on it: the order of features is the order of the model's inputs. */
export interface DataSchema {
  readonly features: readonly FeatureSchema[];
  readonly label: LabelSchema;
  /** The column that says whose row it is; null: every row is a person of its own. */
  readonly subject: string | null;
  /** The column that says which hospital a row comes from, in tables of several; a hospital's own needs none. */
  readonly site: string | null;
}

/** A plain column of numbers, with what it does not say filled in. */
export function numberFeature(
  feature: Pick<FeatureSchema, 'name' | 'centerMicro' | 'scaleMicro' | 'minMicro' | 'maxMicro' | 'source'> &
    Partial<FeatureSchema>,
): FeatureSchema {
  return { kind: 'number', count: 1, categories: [], missing: [], indicator: false, ...feature };
}

/** A column of categories: what is encoded is 0 or 1, so its numbers are those of 0 and 1. */
export function categoryFeature(
  feature: Pick<FeatureSchema, 'name' | 'categories' | 'source'> & Partial<FeatureSchema>,
): FeatureSchema {
  return { kind: 'category', ...CATEGORY_NUMBERS, count: 1, missing: [], indicator: false, ...feature };
}

const CATEGORY_NUMBERS = { centerMicro: 0, scaleMicro: MICRO, minMicro: 0, maxMicro: MICRO } as const;

/** The columns of the table that a feature reads, in order. */
export function sourceColumns({ name, count }: FeatureSchema): string[] {
  return count === 1 ? [name] : Array.from({ length: count }, (_, index) => `${name}${index}`);
}

/**
 * What each number of an encoded row is, in order: feature by feature its columns (a category's value as
 * NAME=VALUE), then its indicators as "NAME is missing". The length is what a model's inputs must be.
 */
export function encodedColumns({ features }: DataSchema): string[] {
  return features.flatMap((feature) => {
    const columns = sourceColumns(feature);
    const values =
      feature.kind === 'number'
        ? columns
        : feature.categories.map((category) => `${feature.name}=${category}`);
    return feature.indicator ? [...values, ...columns.map((column) => `${column} is missing`)] : values;
  });
}

/** Numbers of an encoded row: the length of encodedColumns, without building it. */
export function encodedWidth({ features }: DataSchema): number {
  return features.reduce((sum, feature) => sum + featureWidth(feature), 0);
}

export function featureWidth({ kind, count, categories, indicator }: FeatureSchema): number {
  return (kind === 'number' ? count : categories.length) + (indicator ? count : 0);
}

/** The columns that a table must have, features first; the site's column may be absent. */
export function requiredColumns({ features, label, subject }: DataSchema): string[] {
  return [...features.flatMap(sourceColumns), label.name, ...(subject === null ? [] : [subject])];
}

/**
 * What is wrong with a schema, as a sentence, or null.
 *
 * Asks for: 1 to FEATURES_MAX features that become at most COLUMNS_MAX numbers, read from distinct columns, none
 * of them the label, the subject or the site; names, categories, classes and missing texts non-empty, trimmed,
 * well-formed, up to NAME_BYTES_MAX bytes; safe integers up to MICRO_MAX; scale > 0; min < max;
 * min <= center <= max; encoded values up to ENCODED_MAX; for a category the numbers of 0 and 1; a source; 2 to
 * CLASSES_MAX classes that differ also when they are read as numbers, with no weights or one each, 1 to
 * WEIGHT16_MAX. Cost: O(columns).
 */
export function checkSchema(schema: DataSchema): string | null {
  const { features, label, subject, site } = schema;
  if (features.length === 0) return 'the schema has no features';
  if (features.length > FEATURES_MAX) return `${features.length} features, at most ${FEATURES_MAX}`;
  for (const feature of features) {
    const problem = checkName(feature.name) ?? checkKind(feature) ?? checkNumbers(feature);
    if (problem !== null) return problem;
  }
  if (encodedWidth(schema) > COLUMNS_MAX)
    return `a row becomes ${encodedWidth(schema)} numbers, at most ${COLUMNS_MAX}`;
  const names = new Set<string>();
  for (const name of features.flatMap(sourceColumns)) {
    if (names.has(name)) return `the feature ${name} is there twice`;
    names.add(name);
  }
  for (const [what, name] of [
    ['label', label.name],
    ['subject', subject],
    ['site', site],
  ] as const) {
    if (name === null) continue;
    const problem = checkName(name);
    if (problem !== null) return problem;
    if (names.has(name)) return `the ${what} ${name} is also a feature, or stands for something else too`;
    names.add(name);
  }
  return checkLabel(label);
}

function checkLabel({ classes, weights16 }: LabelSchema): string | null {
  if (classes.length < 2 || classes.length > CLASSES_MAX)
    return `${classes.length} classes, a label has 2 to ${CLASSES_MAX}`;
  const problem = checkDistinct(classes, 'both label values are the same: two classes');
  if (problem !== null) return problem;
  if (weights16.length !== 0 && weights16.length !== classes.length)
    return `${weights16.length} class weights for ${classes.length} classes`;
  const isWeight = (weight: number): boolean =>
    Number.isSafeInteger(weight) && weight >= 1 && weight <= WEIGHT16_MAX;
  return weights16.every(isWeight)
    ? null
    : `a class weight is above 0 and at most ${WEIGHT16_MAX / WEIGHT_ONE}`;
}

function checkKind(feature: FeatureSchema): string | null {
  const { name, kind, count, categories, missing, source } = feature;
  if (!Number.isSafeInteger(count) || count < 1 || count > COLUMNS_MAX)
    return `${name}: count must be a whole number from 1 to ${COLUMNS_MAX}`;
  if (source === '' || utf8ToBytes(source).length > SOURCE_BYTES_MAX || !source.isWellFormed())
    return `${name}: say in up to ${SOURCE_BYTES_MAX} bytes where its numbers come from (source)`;
  if (missing.length > MISSING_MAX) return `${name}: more than ${MISSING_MAX} texts for a missing value`;
  const problem = checkDistinct(
    [...categories, ...missing],
    `${name}: a category or missing text is there twice`,
  );
  if (problem !== null) return problem;
  if (kind === 'number') return categories.length === 0 ? null : `${name}: a number has no categories`;
  if (kind !== 'category') return `${name}: unknown kind ${String(kind)} (known: number, category)`;
  if (count !== 1) return `${name}: a category is one column`;
  if (categories.length < 2 || categories.length > CATEGORIES_MAX)
    return `${name}: ${categories.length} categories, at least 2 and at most ${CATEGORIES_MAX}`;
  const isPlain = Object.entries(CATEGORY_NUMBERS).every(
    ([key, value]) => feature[key as keyof typeof CATEGORY_NUMBERS] === value,
  );
  return isPlain ? null : `${name}: a category has center 0, scale 1 and bounds 0 and 1`;
}

function checkDistinct(texts: readonly string[], sentence: string): string | null {
  for (const text of texts) {
    const problem = checkName(text);
    if (problem !== null) return problem;
  }
  return new Set(texts.map(labelText)).size === texts.length ? null : sentence;
}

function checkName(name: string): string | null {
  if (name === '' || name !== name.trim()) return `a name is empty or has blanks around it: "${name}"`;
  // A lone surrogate has no UTF-8 form: two names could then share one hash.
  if (!name.isWellFormed() || /\p{Cc}/u.test(name)) return 'a name has characters that cannot be printed';
  if (utf8ToBytes(name).length > NAME_BYTES_MAX) return `a name is over ${NAME_BYTES_MAX} bytes: ${name}`;
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
