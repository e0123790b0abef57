import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256, utf8ToBytes } from '../../crypto/index.js';
import { encodedWidth, encodeRows, parseTable, type Records, readSchema, splitRows } from '../../fl/index.js';
import { pick, type Split } from './data.js';
import { createNet } from './net.js';

const FOLDER = join(import.meta.dirname, '..', '..', '..', 'datasets');
const CLASSES = 10;

/** A random 70:30 split of the 8 x 8 digits that the number decides, trained by a net with these hidden layers. */
export function digitsSplit(split: number, hidden: readonly number[] = []): Split {
  digits ??= readDigits();
  const { inputs, ...all } = digits;
  const rows = all.y.length;
  const seed = sha256(utf8ToBytes(`bench/digits/split/${split}`));
  const { train, test } = splitRows(rows, Math.floor(0.7 * rows), seed);
  return {
    inputs,
    train: pick(all, inputs, train),
    test: pick(all, inputs, test),
    learner: createNet(inputs, hidden, CLASSES),
  };
}

let digits: (Records & { readonly inputs: number }) | null = null;

function readDigits(): Records & { readonly inputs: number } {
  const schema = readSchema(JSON.parse(readFileSync(join(FOLDER, 'digits.schema.json'), 'utf8')));
  const table = parseTable(readFileSync(join(FOLDER, 'digits.csv'), 'utf8'));
  if (!schema.ok || !table.ok) throw new Error('the files that ship are read by the tests');
  const rows = encodeRows(table, schema.schema);
  if (!rows.ok) throw new Error('the data fit their schema');
  return { inputs: encodedWidth(schema.schema), x: rows.x, y: rows.y, classes: CLASSES };
}
