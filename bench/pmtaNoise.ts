import { encodedWidth, readSchema } from '../fl/index.js';
import { readJsonText } from '../node/config.js';
import { type Area, type PipelineOptions, readAreas, runSteps } from '../node/pmta/index.js';
import { longestRow } from '../pmta/index.js';
import { plain, type Row } from './row.js';

const DRAWS = 10;
const DELTA_PICO = 10_000_000;
const CLUSTERS = 3;
const SHARES = [1, 1, 1] as const;

/**
 * What noise leaves of the levels: the share of providers that have the level which they would have without noise, in the
 * mean over draws of the noise, in all areas together. What chance gives is a third.
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
  const clip = Math.min(Math.sqrt(encodedWidth(schema)), longestRow(schema));
  const fixed = { clusters: CLUSTERS, shares: SHARES, neighbours: 10, balance: 1.5, seed: 'bench' };
  const levelsOf = (area: Area, privacy: PipelineOptions['privacy']) =>
    runSteps(area, { ...fixed, privacy }, () => {}).classified!.levels;
  const clear = areas.map((area) => levelsOf(area, null));
  const total = areas.reduce((sum, { providers }) => sum + providers.length, 0);
  return epsilons.map((epsilon) => {
    const privacy = { epsilonMicro: Math.round(epsilon * 1e6), deltaPico: DELTA_PICO, clip };
    const shares = Array.from({ length: DRAWS }, () => {
      const same = areas.map((area, index) => {
        const levels = levelsOf(area, privacy);
        return levels.filter((level, provider) => level === clear[index]![provider]).length;
      });
      return (100 * same.reduce((sum, count) => sum + count, 0)) / total;
    });
    const mean = shares.reduce((sum, share) => sum + share, 0) / DRAWS;
    const deviation = Math.sqrt(shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / (DRAWS - 1));
    const name = `providers that keep their level at ε = ${epsilon}, δ = 1e-5`;
    const note = `± ${deviation.toFixed(1)} over ${DRAWS} draws; ${total} providers in ${areas.length} areas; chance 33.3 %`;
    return plain(name, mean, '%', note);
  });
}
