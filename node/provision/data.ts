import {
  type DataSchema,
  dealRoundRobin,
  deriveSchema,
  encodeRows,
  parseTable,
  partitionNames,
  partitionRule,
  type Rows,
  readSchema,
  requiredColumns,
  selectRows,
  splitRows,
  type Table,
} from '../../fl/index.js';
import { ProvisionError } from './error.js';

/** Share of the rows that train; the rest is the publisher's test part. 537 of Pima's 768. */
const TRAIN_SHARE = 0.7;
/** Most rows that one device may enrol with (contracts' UNITS_MAX), told before anything is written. */
const SHARD_ROWS_MAX = 10_000;

export interface DataOptions {
  /** The text of the CSV file. */
  readonly csv: string;
  /** The schema file's JSON, or null: derived from the training part, right for public data only. */
  readonly schema: unknown;
  /** The column to predict. May be null if the schema names it. */
  readonly label: string | null;
  /** 32 bytes; decides the split. */
  readonly seed: Uint8Array;
  readonly devices: number;
  /** How the training rows are dealt: a name of fl's partitions, "iid" if not given. */
  readonly partition?: string;
}

/** Rows as a model takes them: two classes, y is 0 or 1. */
export type Encoded = Rows;

export interface PreparedData {
  readonly schema: DataSchema;
  /** True if the schema is a statistic of the training rows: then the data counts as public. */
  readonly derived: boolean;
  /** One table a device, only the columns of the schema. */
  readonly shards: readonly Table[];
  readonly testTable: Table;
  /** All shards together: what a central model would train on. */
  readonly train: Encoded;
  readonly test: Encoded;
}

/**
 * Splits a two-class table 70:30 (at random, by the seed), deals the training part to the devices by the named
 * partition and encodes both parts by the schema. Nothing of the test part enters the schema.
 *
 * Throws ProvisionError "bad-data", "bad-schema", "bad-options"; every row is checked before anything is used.
 */
export function prepareData(options: DataOptions): PreparedData {
  const { csv, schema, label, seed, devices, partition = 'iid' } = options;
  const table = readTable(csv);
  const trainRows = Math.floor(TRAIN_SHARE * table.rows.length);
  checkSizes(table.rows.length, trainRows, devices);
  const split = splitRows(table.rows.length, trainRows, seed);
  const trainTable = selectRows(table, split.train);
  const known = schema === null ? derive(trainTable, label) : read(schema, label);
  if (known.label.classes.length !== 2)
    throw new ProvisionError('bad-schema', `${known.label.classes.length} classes: models tell two apart`);
  const testTable = project(selectRows(table, split.test), known);
  const train = encode(trainTable, known, 'training');
  const test = encode(selectRows(table, split.test), known, 'test');
  const shards = deal(train, partition, seed, devices).map((part) => {
    const rows = part.map((index) => split.train[index]!);
    return project(selectRows(table, rows), known);
  });
  return { schema: known, derived: schema === null, shards, testTable, train, test };
}

/** The share of test rows that the more frequent class of the training part gets right: what not learning gives. */
export function majorityAccuracy(train: Encoded, test: Encoded): number {
  const positives = train.y.reduce((sum, label) => sum + label, 0);
  const majority = 2 * positives > train.rows ? 1 : 0;
  return test.y.filter((label) => label === majority).length / test.rows;
}

/** Rows of the training part, by device; each gets one row at least. */
function deal(train: Rows, name: string, seed: Uint8Array, devices: number): readonly (readonly number[])[] {
  // The split has shuffled already: dealt as they come, rows are as they always were.
  if (name === 'iid')
    return dealRoundRobin(
      Array.from({ length: train.rows }, (_, index) => index),
      devices,
    );
  const rule = partitionRule(name);
  if (rule === null)
    throw new ProvisionError('bad-options', `no partition ${name}: there is ${partitionNames.join(', ')}`);
  const dealt = rule({ labels: train.y, sites: train.sites, parts: devices, rowsMin: 1, seed });
  if (!dealt.ok) throw new ProvisionError('bad-data', dealt.text);
  const most = dealt.parts.reduce((rows, part) => Math.max(rows, part.length), 0);
  if (most > SHARD_ROWS_MAX)
    throw new ProvisionError(
      'bad-data',
      `a device would have ${most} rows, at most ${SHARD_ROWS_MAX} may be enrolled`,
    );
  return dealt.parts;
}

function readTable(csv: string): Table {
  const parsed = parseTable(csv);
  if (parsed.ok) return parsed;
  throw new ProvisionError('bad-data', parsed.text);
}

function checkSizes(rows: number, trainRows: number, devices: number): void {
  if (trainRows < devices) {
    throw new ProvisionError(
      'bad-data',
      `${rows} rows leave ${trainRows} to train on, too few for ${devices} devices: give more rows or fewer devices`,
    );
  }
  const perDevice = Math.ceil(trainRows / devices);
  if (perDevice > SHARD_ROWS_MAX) {
    throw new ProvisionError(
      'bad-data',
      `${perDevice} rows a device, at most ${SHARD_ROWS_MAX} may be enrolled: use more devices`,
    );
  }
}

function derive(trainTable: Table, label: string | null): DataSchema {
  if (label === null)
    throw new ProvisionError(
      'bad-options',
      `name the column to predict (--label: one of ${trainTable.header.join(', ')}) or give a schema`,
    );
  const derived = deriveSchema(trainTable, label);
  if (derived.ok) return derived.schema;
  throw new ProvisionError('bad-data', derived.problem.text);
}

function read(schema: unknown, label: string | null): DataSchema {
  const known = readSchema(schema);
  if (!known.ok) throw new ProvisionError('bad-schema', known.reason);
  if (label !== null && known.schema.label.name !== label) {
    throw new ProvisionError(
      'bad-schema',
      `the label column is ${label}, the schema's is ${known.schema.label.name}`,
    );
  }
  return known.schema;
}

function encode(table: Table, schema: DataSchema, part: 'training' | 'test'): Encoded {
  const encoded = encodeRows(table, schema);
  if (encoded.ok) return encoded;
  const [first, ...others] = encoded.problems.map(({ text }) => text);
  const more = others.length === 0 ? '' : ` (and ${others.length} more in the ${part} part)`;
  throw new ProvisionError('bad-data', `${first}${more}`, [first!, ...others]);
}

/** Only the columns of the schema, in its order, label, subject and site last: a device gets nothing that it does not need. */
function project(table: Table, schema: DataSchema): Table {
  const site = schema.site !== null && table.header.includes(schema.site) ? [schema.site] : [];
  const header = [...requiredColumns(schema), ...site];
  const columns = header.map((name) => table.header.indexOf(name));
  const missing = header.filter((_, index) => columns[index] === -1);
  if (missing.length > 0) {
    const problems = missing.map((name) => `no column ${name}`);
    throw new ProvisionError('bad-data', problems.join(', '), problems);
  }
  return { header, rows: table.rows.map((row) => columns.map((column) => row[column]!)) };
}
