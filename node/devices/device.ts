import { join } from 'node:path';
import { UNITS_MAX } from '../../contracts/index.js';
import { bytesToHex, publicKeyOf, utf8ToBytes } from '../../crypto/index.js';
import { type DataSchema, encodedWidth, groupByPerson, readSchema, rhoCap } from '../../fl/index.js';
import { type DeviceConfig, readBounded, readDeviceConfig } from '../config.js';
import { DataError, hashFiles, readRows } from '../data/index.js';
import { readKeystore } from '../provision/index.js';
import { type Attacker, type AttackerRecords, createAttacker } from './attacker.js';
import { datasetSalt } from './datasetSalt.js';
import { DeviceError } from './error.js';
import { LedgerFile } from './ledgerFile.js';

/** A device ready to train: its key, its data in numbers, its ledger. The data stays in this process. */
export interface Device {
  readonly config: DeviceConfig;
  readonly name: string;
  readonly secret: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly schema: DataSchema;
  /** Rows that it trains on. */
  readonly rows: number;
  /** All its rows, and those of its attacker's other devices. */
  readonly records: DeviceRecords;
  readonly accomplices: readonly DeviceRecords[];
  /** [rows], whose each row is; null: the schema names no subject. */
  readonly persons: Int32Array | null;
  /** Names the dataset on chain without telling anything of it. */
  readonly dataset: Uint8Array;
  readonly ledger: LedgerFile;
  /** What it does to its records and its updates: nothing, unless it is told to attack. */
  readonly attacker: Attacker;
}

export interface DeviceRecords extends AttackerRecords {
  readonly persons: Int32Array | null;
}

/** Reads a device's folder. Throws DeviceError or ConfigError. */
export async function loadDevice(folder: string): Promise<Device> {
  const config = readDeviceConfig(folder);
  const { sign: secret } = readKeystore(join(folder, 'keystore.json'), join(folder, 'password'));
  if (secret?.length !== 32)
    throw new DeviceError('bad-keystore', `${folder}/keystore.json holds no signing key`);
  const { schema, rows } = await readRecords(config);
  const accomplices = await Promise.all(
    config.accomplices.map(async (other) => (await readRecords(readDeviceConfig(other))).rows),
  );
  const salt = [utf8ToBytes('consilium/dataset/1'), await datasetSalt(folder, secret)];
  const files = config.labels === null ? [config.data] : [config.data, config.labels];
  const dataset = await hashFiles(salt, files);
  const { epsilonMicro, deltaPico } = config;
  const cap = epsilonMicro === 0 ? 0n : rhoCap(epsilonMicro, deltaPico);
  const ledger = await LedgerFile.open(folder, bytesToHex(dataset), cap);
  return {
    config,
    name: config.name,
    secret,
    publicKey: publicKeyOf(secret),
    schema,
    rows: rows.rows,
    records: rows,
    accomplices,
    persons: rows.persons,
    dataset,
    ledger,
    attacker: createAttacker(config, encodedWidth(schema), rows, accomplices),
  };
}

/** A device's data in numbers. */
async function readRecords(
  config: DeviceConfig,
): Promise<{ readonly schema: DataSchema; readonly rows: DeviceRecords }> {
  const schema = readSchema(JSON.parse(readBounded(config.schema)));
  if (!schema.ok) throw new DeviceError('bad-data', `${config.schema}: ${schema.reason}`);
  const rows = await readRows(
    { file: config.data, labels: config.labels, schema: schema.schema },
    { rowsMax: UNITS_MAX, batchRows: 1, allow: config.allow },
  ).catch((error: unknown) => {
    if (!(error instanceof DataError)) throw error;
    throw new DeviceError('bad-data', error.message, { cause: error });
  });
  const grouped = groupByPerson(rows.x, rows.y, rows.subjects);
  const classes = schema.schema.label.classes.length;
  return { schema: schema.schema, rows: { ...grouped, rows: rows.rows, classes } };
}
