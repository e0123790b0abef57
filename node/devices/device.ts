import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesToHex, publicKeyOf, sha256, utf8ToBytes } from '../../crypto/index.js';
import { type DataSchema, encodeRows, parseTable, readSchema, rhoCap } from '../../fl/index.js';
import { type DeviceConfig, readBounded, readDeviceConfig } from '../config.js';
import { readKeystore } from '../provision/index.js';
import { type Attacker, type AttackerRecords, createAttacker } from './attacker.js';
import { DeviceError } from './error.js';
import { LedgerFile } from './ledgerFile.js';

/** A device ready to train: its key, its data in numbers, its ledger. The data stays in this process. */
export interface Device {
  readonly config: DeviceConfig;
  readonly name: string;
  readonly secret: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly schema: DataSchema;
  readonly rows: number;
  /** Names the dataset on chain without telling anything of it. */
  readonly dataset: Uint8Array;
  readonly ledger: LedgerFile;
  /** What it does to its records and its updates: nothing, unless it is told to attack. */
  readonly attacker: Attacker;
}

/** Reads a device's folder. Throws DeviceError or ConfigError. */
export async function loadDevice(folder: string): Promise<Device> {
  const config = readDeviceConfig(folder);
  const { sign: secret } = readKeystore(join(folder, 'keystore.json'), join(folder, 'password'));
  if (secret?.length !== 32)
    throw new DeviceError('bad-keystore', `${folder}/keystore.json holds no signing key`);
  const { schema, rows, text } = await readRecords(config);
  const accomplices = await Promise.all(
    config.accomplices.map(async (other) => (await readRecords(readDeviceConfig(other))).rows),
  );
  // Salted with the key: nobody can test a guess of the data against the id.
  const dataset = sha256(utf8ToBytes('consilium/dataset/1'), secret, utf8ToBytes(text));
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
    dataset,
    ledger,
    attacker: createAttacker(config, schema.features.length, rows, accomplices),
  };
}

/** A device's data in numbers, and its file as it is. */
async function readRecords(config: Pick<DeviceConfig, 'schema' | 'data'>): Promise<{
  readonly schema: DataSchema;
  readonly rows: AttackerRecords;
  readonly text: string;
}> {
  const schema = readSchema(JSON.parse(readBounded(config.schema)));
  if (!schema.ok) throw new DeviceError('bad-data', `${config.schema}: ${schema.reason}`);
  const text = await readFile(config.data, 'utf8');
  const table = parseTable(text);
  if (!table.ok) throw new DeviceError('bad-data', `${config.data}: ${table.text}`);
  const rows = encodeRows(table, schema.schema);
  if (!rows.ok)
    throw new DeviceError(
      'bad-data',
      `${config.data}: ${rows.problems[0]?.text ?? 'does not fit the schema'}`,
    );
  return { schema: schema.schema, rows, text };
}
