import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TABLE_BYTES_MAX } from '../../../fl/index.js';
import { ConfigError, readBounded, readJsonText } from '../../config.js';
import { type PreparedData, prepareData, seedFor } from '../../provision/index.js';
import { CliError } from '../failure.js';

export interface DataSource {
  /** null: Pima, with its public schema. */
  readonly data: string | null;
  readonly schema: string | null;
  readonly label: string | null;
  readonly partition: string;
  readonly seed: string;
  readonly validators: number;
  readonly devices: number;
}

/** Reads and prepares the data of a network. Throws ProvisionError, ConfigError, CliError. */
export function loadData(source: DataSource): PreparedData {
  const { label, partition, seed, validators, devices } = source;
  const { csvFile, schemaFile } = sourceFiles(source);
  return prepareData({
    csv: asData(() => readBounded(csvFile, TABLE_BYTES_MAX)),
    schema: schemaFile === null ? null : asData(() => readJsonText(schemaFile)),
    label,
    partition,
    seed: seedFor('split', seed),
    devices: validators * devices,
  });
}

/** The files that the data are read from; no schema: it is derived from the rows. Throws CliError. */
export function sourceFiles({ data, schema, label }: Pick<DataSource, 'data' | 'schema' | 'label'>): {
  readonly csvFile: string;
  readonly schemaFile: string | null;
} {
  if (data === null && (schema !== null || label !== null)) {
    throw new CliError('usage', '--schema and --label describe the file of --data FILE.csv: give that too');
  }
  const csvFile = data ?? join(datasets(), 'pima.csv');
  return { csvFile, schemaFile: data === null ? join(datasets(), 'pima.schema.json') : schema };
}

/** A data file that cannot be read is bad data, not a bad configuration. */
function asData<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ConfigError) throw new CliError('bad-data', error.message, null, { cause: error });
    throw error;
  }
}

/** The folder with the data that comes with Consilium: beside the sources, and two folders up from dist/. */
function datasets(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const found = join(folder, 'datasets', 'pima.csv');
    if (existsSync(found)) return dirname(found);
    if (folder === dirname(folder))
      throw new CliError('bad-data', 'the folder datasets/ of Consilium is missing');
  }
}
