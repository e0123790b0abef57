import { type DataSchema, encodedWidth, wholeFaults } from '../../fl/index.js';
import { DataError, readRows } from '../data/index.js';

/** Each pair of an area's providers is looked at: at ten thousand that takes a few seconds, at this many half a minute. */
export const PROVIDERS_MAX = 25_000;
const ROWS_MAX = 200_000;

/** The providers of one area, as their rows say. */
export interface Area {
  readonly name: string;
  /** By which their accounts are known. */
  readonly providers: readonly string[];
  /** Numbers of one provider. */
  readonly dimensions: number;
  /** [providers][dimensions], encoded by the schema: raw. */
  readonly points: Float64Array;
}

export interface ProvidersOptions {
  readonly file: string;
  readonly schema: DataSchema & { readonly site: string };
  /** The column that names a row's provider; null: the schema's subject column, else AREA-1, AREA-2, ... by rows. */
  readonly provider: string | null;
  /** Of one area; PROVIDERS_MAX if it isn't said. */
  readonly providersMax?: number;
}

/**
 * The providers of a file, by area in the order in which they appear; one with several rows has their mean.
 *
 * Throws DataError: what `readRows` throws; "unfit" without an area column, for a row without area or provider, and for a
 * provider in two areas; "too-large" beyond `providersMax` of an area.
 */
export async function readAreas(options: ProvidersOptions): Promise<readonly Area[]> {
  const { file, schema, provider, providersMax = PROVIDERS_MAX } = options;
  const dimensions = encodedWidth(schema);
  const keep = provider === null ? [schema.site] : [schema.site, provider];
  const rows = await readRows(
    { file, labels: null, schema },
    { rowsMax: ROWS_MAX, keep, allow: wholeFaults, batchRows: 1 },
  );
  const unfit = (message: string) => new DataError('unfit', file, message);
  const areas = new Map<string, Map<string, number[]>>();
  const areaOf = new Map<string, string>();
  for (let row = 0; row < rows.rows; row++) {
    const area = rows.kept[row]![0]!;
    if (area === '') throw unfit(`row ${row + 1} has no area: column ${schema.site} is empty`);
    const own = areas.get(area) ?? new Map<string, number[]>();
    areas.set(area, own);
    const name = rows.kept[row]![1] ?? rows.subjects?.[row] ?? `${area}-${own.size + 1}`;
    if (name === '') throw unfit(`row ${row + 1} names no provider: column ${provider} is empty`);
    if ((areaOf.get(name) ?? area) !== area)
      throw unfit(`provider ${name} has rows in the areas ${areaOf.get(name)} and ${area}: it can be in one`);
    areaOf.set(name, area);
    own.set(name, [...(own.get(name) ?? []), row]);
  }
  return [...areas].map(([name, own]) => {
    if (own.size > providersMax)
      throw new DataError('too-large', file, `area ${name} has more than ${providersMax} providers`);
    const points = new Float64Array(own.size * dimensions);
    for (const [index, of] of [...own.values()].entries())
      for (const row of of)
        for (let i = 0; i < dimensions; i++)
          points[index * dimensions + i]! += rows.x[row * dimensions + i]! / of.length;
    return { name, providers: [...own.keys()], dimensions, points };
  });
}
