import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodedWidth, readSchema } from '../../../../fl/index.js';

const folder = new URL('../../../../datasets/', import.meta.url).pathname;
const sources = readFileSync(join(folder, 'SOURCES.md'), 'utf8');

/** Numbers of a row, and features, of every schema that ships. */
const known: Readonly<Record<string, readonly [number, number]>> = {
  'digits.schema.json': [64, 1],
  'heart.schema.json': [35, 13],
  'icu.schema.json': [45, 23],
  'mnist.schema.json': [784, 1],
  'pima.schema.json': [8, 8],
  'wdbc.schema.json': [30, 30],
};

describe('datasets/', () => {
  it('has these schemas and no other, each told of in SOURCES.md', () => {
    const there = readdirSync(folder).filter((file) => file.endsWith('.schema.json'));
    expect(there.sort()).toEqual(Object.keys(known));
    for (const file of there) expect(sources).toContain(file);
  });

  it.each(Object.entries(known))('%s is sound', (file, sizes) => {
    const read = readSchema(JSON.parse(readFileSync(join(folder, file), 'utf8')));
    if (!read.ok) throw new Error(read.reason);
    expect([encodedWidth(read.schema), read.schema.features.length]).toEqual(sizes);
  });
});
