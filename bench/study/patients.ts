import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256, utf8ToBytes } from '../../crypto/index.js';
import {
  type DataSchema,
  encodedWidth,
  encodeRows,
  parseTable,
  type Records,
  readSchema,
  splitRows,
} from '../../fl/index.js';
import { pick } from './data.js';

const FOLDER = join(import.meta.dirname, '..', '..', '..', 'datasets');

/** A table of patients, encoded by a schema that ships. */
export interface Patients {
  readonly schema: DataSchema;
  readonly width: number;
  readonly records: Records;
}

/** Reads a table by a schema in datasets/; the table itself need not ship. */
export function readPatients(file: string, schemaName: string): Patients {
  const read = readSchema(JSON.parse(readFileSync(join(FOLDER, `${schemaName}.schema.json`), 'utf8')));
  if (!read.ok) throw new Error('the schemas that ship are read by the tests');
  const table = parseTable(readFileSync(file, 'utf8'));
  if (!table.ok) throw new Error(`${file}: ${table.text}`);
  const rows = encodeRows(table, read.schema);
  if (!rows.ok) throw new Error(`${file}: ${rows.problems[0]!.text}`);
  return { schema: read.schema, width: encodedWidth(read.schema), records: { x: rows.x, y: rows.y } };
}

/** The table of Pima, which ships. */
export function readPima(): Patients {
  return readPatients(join(FOLDER, 'pima.csv'), 'pima');
}

/** Shares of a table at random, which name and number decide; the last part takes the rest. */
export function partsOf({ records, width }: Patients, shares: readonly number[], name: string): Records[] {
  const rows = records.y.length;
  const { train: order } = splitRows(rows, rows, sha256(utf8ToBytes(name)));
  let [at, sum] = [0, 0];
  return [...shares, 1].map((share) => {
    sum = Math.min(1, sum + share);
    const end = Math.floor(sum * rows);
    const part = pick(records, width, order.slice(at, end));
    at = end;
    return part;
  });
}
