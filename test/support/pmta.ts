import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './processes.js';

/** Pima's patients as providers of two wards: NAME.csv and schema.json in a folder. `rows` of each ward. */
export function writeProviders(
  folder: string,
  rows: readonly [number, number],
  name = 'providers.csv',
): string {
  const [header, ...lines] = readFileSync(join(root, 'datasets', 'pima.csv'), 'utf8')
    .trim()
    .split('\n');
  const [north, south] = rows;
  const wards = lines
    .slice(0, north + south)
    .map((line, index) => `${line},${index < north ? 'north' : 'south'},provider-${index + 1}`);
  writeFileSync(join(folder, name), `${[`${header},ward,who`, ...wards].join('\n')}\n`);
  const schema = JSON.parse(readFileSync(join(root, 'datasets', 'pima.schema.json'), 'utf8'));
  writeFileSync(join(folder, 'schema.json'), JSON.stringify(schema));
  return join(folder, name);
}
