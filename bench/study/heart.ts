import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256, utf8ToBytes } from '../../crypto/index.js';
import {
  encodedWidth,
  encodeRows,
  parseTable,
  partitionRule,
  type Records,
  type Rows,
  readSchema,
  shuffled,
} from '../../fl/index.js';
import { pick } from './data.js';

const SCHEMA = join(import.meta.dirname, '..', '..', '..', 'datasets', 'heart.schema.json');
const ROWS_MIN = 3;

/** A table of patients of several hospitals. */
export interface Hospitals {
  readonly inputs: number;
  /** In code-unit order. */
  readonly names: readonly string[];
  readonly rows: Rows;
}

/** One hospital's part of a split. */
export interface Hospital {
  readonly name: string;
  readonly train: Records;
  readonly test: Records;
  /** Of the training part, one a device. */
  readonly shards: readonly Records[];
}

/** Reads the table with the columns of datasets/heart.schema.json; it does not ship. */
export function readHospitals(file: string): Hospitals {
  const schema = readSchema(JSON.parse(readFileSync(SCHEMA, 'utf8')));
  if (!schema.ok) throw new Error('the schema that ships is read by the tests');
  const table = parseTable(readFileSync(file, 'utf8'));
  if (!table.ok) throw new Error(`${file}: ${table.text}`);
  const rows = encodeRows(table, schema.schema);
  if (!rows.ok) throw new Error(`${file}: ${rows.problems[0]!.text}`);
  const names = [...new Set(rows.sites)].sort((a, b) => (a < b ? -1 : 1));
  return { inputs: encodedWidth(schema.schema), names, rows };
}

/** 70:30 within each hospital, its training part dealt like cards to as many devices; the number decides both. */
export function splitHospitals(
  { inputs, names, rows }: Hospitals,
  devices: number,
  split: number,
): Hospital[] {
  return names.map((name) => {
    const own = rows.sites!.flatMap((site, row) => (site === name ? [row] : []));
    const seed = sha256(utf8ToBytes(`bench/heart/${name}/${split}`));
    const order = shuffled(own.length, seed).map((at) => own[at]!);
    const cut = Math.floor(0.7 * order.length);
    const train = pick(rows, inputs, order.slice(0, cut));
    const dealt = partitionRule('iid')!({
      labels: train.y,
      sites: null,
      parts: devices,
      rowsMin: ROWS_MIN,
      seed,
    });
    if (!dealt.ok) throw new Error(`${name}: ${dealt.text}`);
    return {
      name,
      train,
      test: pick(rows, inputs, order.slice(cut)),
      shards: dealt.parts.map((part) => pick(train, inputs, part)),
    };
  });
}

/** All of them in one table. */
export function together(parts: readonly Records[]): Records {
  const x = new Float32Array(parts.reduce((sum, part) => sum + part.x.length, 0));
  let at = 0;
  for (const part of parts) {
    x.set(part.x, at);
    at += part.x.length;
  }
  return { x, y: Float32Array.from(parts.flatMap(({ y }) => [...y])) };
}
