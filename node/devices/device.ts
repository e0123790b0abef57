import { join } from 'node:path';
import { UNITS_MAX } from '../../contracts/index.js';
import { bytesToHex, publicKeyOf, utf8ToBytes } from '../../crypto/index.js';
import { type DataSchema, flipLabels, readSchema, rhoCap } from '../../fl/index.js';
import { type DeviceConfig, readBounded, readDeviceConfig } from '../config.js';
import { DataError, hashFiles, readRows } from '../data/index.js';
import { readKeystore } from '../provision/index.js';
import { DeviceError } from './error.js';
import { LedgerFile } from './ledgerFile.js';

/** A device ready to train: its key, its data in numbers, its ledger. The data stays in this process. */
export interface Device {
  readonly config: DeviceConfig;
  readonly name: string;
  readonly secret: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly schema: DataSchema;
  readonly x: Float32Array;
  readonly rows: number;
  /** Names the dataset on chain without telling anything of it. */
  readonly dataset: Uint8Array;
  readonly ledger: LedgerFile;
  /** Labels as this device trains on them in a round: the true ones, unless it is told to attack. */
  labelsOf(round: number): Float32Array;
}

/** Reads a device's folder. Throws DeviceError or ConfigError. */
export async function loadDevice(folder: string): Promise<Device> {
  const config = readDeviceConfig(folder);
  const { sign: secret } = readKeystore(join(folder, 'keystore.json'), join(folder, 'password'));
  if (secret?.length !== 32)
    throw new DeviceError('bad-keystore', `${folder}/keystore.json holds no signing key`);
  const schema = readSchema(JSON.parse(readBounded(config.schema)));
  if (!schema.ok) throw new DeviceError('bad-data', `${config.schema}: ${schema.reason}`);
  const rows = await readRows(
    { file: config.data, labels: config.labels, schema: schema.schema },
    { rowsMax: UNITS_MAX, batchRows: 1, allow: config.allow },
  ).catch((error: unknown) => {
    if (!(error instanceof DataError)) throw error;
    throw new DeviceError('bad-data', error.message, { cause: error });
  });
  if (schema.schema.label.classes.length !== 2)
    throw new DeviceError('bad-data', `${config.schema}: models tell two classes apart, this label has more`);
  // Salted with the key: nobody can test a guess of the data against the id.
  const salt = [utf8ToBytes('consilium/dataset/1'), secret];
  const dataset = await hashFiles(
    salt,
    config.labels === null ? [config.data] : [config.data, config.labels],
  );
  const { epsilonMicro, deltaPico } = config;
  const cap = epsilonMicro === 0 ? 0n : rhoCap(epsilonMicro, deltaPico);
  const ledger = await LedgerFile.open(folder, bytesToHex(dataset), cap);
  const flipped = flipLabels(rows.y);
  return {
    config,
    name: config.name,
    secret: secret,
    publicKey: publicKeyOf(secret),
    schema: schema.schema,
    x: rows.x,
    rows: rows.rows,
    dataset,
    ledger,
    labelsOf: (round) =>
      config.attack === 'label-flip' && round >= config.attackFromRound ? flipped : rows.y,
  };
}
