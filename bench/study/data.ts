import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256, utf8ToBytes } from '../../crypto/index.js';
import { encodeRows, parseTable, type Records, readSchema, splitRows, type Table } from '../../fl/index.js';
import type { Learner } from './net.js';

export type DatasetName = 'pima' | 'wdbc';

/** Records of a split, in numbers. */
export interface Split {
  readonly inputs: number;
  readonly train: Records;
  readonly test: Records;
  /** What is trained; if absent, a logistic regression. */
  readonly learner?: Learner;
}

const FOLDER = join(import.meta.dirname, '..', '..', '..', 'datasets');

/**
 * A random 70:30 split that the number decides. Features are scaled by the public schema that comes with the table, and
 * are all of it but those named in `without`.
 */
export function splitOf(dataset: DatasetName, split: number, without: readonly string[] = []): Split {
  const table = tableOf(dataset);
  const seed = sha256(utf8ToBytes(`bench/robustness/split/${split}`));
  const rows = table.rows.length;
  const { train, test } = splitRows(rows, Math.floor(0.7 * rows), seed);
  const schema = readSchema(schemaOf(dataset, without));
  if (!schema.ok) throw new Error(schema.reason);
  const encoded = encodeRows(table, schema.schema);
  if (!encoded.ok) throw new Error(encoded.problems[0]!.text);
  const inputs = schema.schema.features.length;
  const all = { x: encoded.x, y: encoded.y };
  return { inputs, train: pick(all, inputs, train), test: pick(all, inputs, test) };
}

/** As the file has it, with the other features. */
function schemaOf(dataset: DatasetName, without: readonly string[]): unknown {
  const whole = JSON.parse(readFileSync(join(FOLDER, `${dataset}.schema.json`), 'utf8')) as {
    readonly features: readonly { readonly name: string }[];
  };
  return { ...whole, features: whole.features.filter(({ name }) => !without.includes(name)) };
}

const tables = new Map<DatasetName, Table>();

function tableOf(dataset: DatasetName): Table {
  const known = tables.get(dataset);
  if (known !== undefined) return known;
  const table = parseTable(readFileSync(join(FOLDER, `${dataset}.csv`), 'utf8'));
  if (!table.ok) throw new Error(table.text);
  tables.set(dataset, table);
  return table;
}

/** Chosen rows in their order. */
export function pick({ x, y, classes }: Records, inputs: number, rows: readonly number[]): Records {
  const chosen = new Float32Array(rows.length * inputs);
  for (const [at, row] of rows.entries())
    chosen.set(x.subarray(row * inputs, (row + 1) * inputs), at * inputs);
  const labels = Float32Array.from(rows, (row) => y[row]!);
  return classes === undefined ? { x: chosen, y: labels } : { x: chosen, y: labels, classes };
}
