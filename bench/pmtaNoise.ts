import { join } from 'node:path';
import { drbg, utf8ToBytes } from '../crypto/index.js';
import { type DataSchema, encodedWidth, readSchema } from '../fl/index.js';
import { readJsonText } from '../node/config.js';
import { type Area, ASSIGN_SHARE, type PipelineOptions, readAreas, runSteps } from '../node/pmta/index.js';
import { longestRow } from '../pmta/index.js';
import { plain, type Row } from './row.js';

const SEEDS = Array.from({ length: 10 }, (_, seed) => seed);
const DELTA_PICO = 10_000_000;
const FIXED = { clusters: 3, shares: [1, 1, 1], neighbours: 10, balance: 1.5, seed: 'bench' } as const;
const SCHEMAS = join(import.meta.dirname, '..', '..', 'datasets');
/** Files of people's own, which are not shipped, and the schemas that are. */
const REAL = [
  ['heart_disease_4sites.csv', 'heart.schema.json'],
  ['physionet2012_set_a.csv', 'icu.schema.json'],
] as const;

/** Both real files of a folder. */
export async function realRows(folder: string, epsilons: readonly number[]): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const [file, schema] of REAL)
    rows.push(...(await noiseRows(join(folder, file), join(SCHEMAS, schema), epsilons)));
  return rows;
}

/**
 * What privacy leaves of the levels: the share of providers that have the level which they would have of the raw
 * attributes, in the mean over seeds of the noise, in all areas together. What chance gives is a third.
 */
export async function noiseRows(
  file: string,
  schemaFile: string,
  epsilons: readonly number[],
): Promise<readonly Row[]> {
  const read = readSchema(readJsonText(schemaFile));
  if (!read.ok) throw new Error(`${schemaFile}: ${read.reason}`);
  const { schema } = read;
  if (schema.site === null) throw new Error(`${schemaFile} names no site column`);
  const areas = await readAreas({ file, schema: { ...schema, site: schema.site }, provider: null });
  const clear = areas.map((area) => levelsOf(area, null, 0));
  const total = areas.reduce((sum, { providers }) => sum + providers.length, 0);
  return epsilons.flatMap((epsilon) =>
    (['noised', 'synthetic'] as const).map((kind) => {
      const shares = SEEDS.map((seed) => {
        const same = areas.map((area, index) => {
          const levels = levelsOf(area, privacyOf(kind, schema, epsilon), seed);
          return levels.filter((level, provider) => level === clear[index]![provider]).length;
        });
        return (100 * same.reduce((sum, count) => sum + count, 0)) / total;
      });
      const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
      const squares = shares.reduce((sum, share) => sum + (share - mean) ** 2, 0);
      const deviation = Math.sqrt(squares / (shares.length - 1));
      const name = `levels kept, ${kind} attributes, ε = ${epsilon}, δ = 1e-5`;
      process.stderr.write(`${name}: ${mean.toFixed(1)} ± ${deviation.toFixed(1)} %\n`);
      const note = `± ${deviation.toFixed(1)} over seeds 0 to 9; ${total} providers in ${areas.length} areas; chance 33.3 %`;
      return plain(name, mean, '%', note);
    }),
  );
}

function levelsOf(area: Area, privacy: PipelineOptions['privacy'], seed: number): Uint8Array {
  return runSteps(area, null, { ...FIXED, privacy }, () => {}, drbg(utf8ToBytes(`bench/pmta/${seed}`)))
    .levels!;
}

function privacyOf(
  kind: 'noised' | 'synthetic',
  schema: DataSchema,
  epsilon: number,
): NonNullable<PipelineOptions['privacy']> {
  const allMicro = Math.round(epsilon * 1e6);
  const deltaPico = DELTA_PICO;
  if (kind === 'noised') {
    const clip = Math.min(Math.sqrt(encodedWidth(schema)), longestRow(schema));
    return { kind, epsilonMicro: allMicro, deltaPico, clip };
  }
  const assignMicro = Math.round(ASSIGN_SHARE * allMicro);
  return { kind, epsilonMicro: allMicro - assignMicro, assignMicro, deltaPico, schema };
}
