import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { type AttackName, attacks, wholeFaults } from '../fl/index.js';

/** Bounds of a file that people or provisioning write: read whole, so it has to be small. */
export const CONFIG_BYTES_MAX = 1024 * 1024;

export type ConfigFault = 'missing-file' | 'unreadable' | 'too-large' | 'not-json' | 'shape';

/** A configuration file that cannot be used. `file` names it, `message` says where and why. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(
    readonly code: ConfigFault,
    readonly file: string,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(`${file}: ${detail}`, options);
  }
}

export const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]{0,62}$/, 'a name has lower-case letters, digits, dots and dashes, at most 63');
export const port = z.number().int().min(1).max(65_535);
export const path = z.string().min(1).max(4_096);
/** A key, a digest. */
export const hex32 = z.string().regex(/^[0-9a-f]{64}$/, 'it is 64 hex digits');
export const rpcUrl = z.url({
  protocol: /^https?$/,
  error: 'an RPC address is a URL such as http://127.0.0.1:4001',
});
export const multiaddr = z
  .string()
  .max(256)
  .regex(/^\/(ip4|ip6|dns4|dns6|dns)\/[^/]+\/tcp\/\d{1,5}$/, 'an address looks like /ip4/127.0.0.1/tcp/4001');

/** What a provisioned network consists of, DIR/network.json. Folders and files are relative to DIR. */
export const networkSchema = z.strictObject({
  version: z.literal(1),
  name,
  /** Hex hash of genesis.json's content: tells when the genesis file was exchanged. */
  chainId: hex32,
  nodes: z
    .array(z.strictObject({ name, folder: path, rpc: rpcUrl, p2p: multiaddr, publicKey: hex32 }))
    .min(1)
    .max(1_000),
  publisher: z.strictObject({ name, keystore: path }),
  devices: z.array(z.strictObject({ name, hospital: name, folder: path })).max(10_000),
});
export type NetworkFile = Readonly<z.infer<typeof networkSchema>>;

/** One device, DEVICE/device.json. Relative paths start at the file's folder. */
export const deviceConfigSchema = z.strictObject({
  version: z.literal(1),
  name,
  data: path,
  schema: path,
  /** Where the labels are, if `data` is an IDX file. */
  labels: path.nullable().default(null),
  /** What may be wrong with the data as a whole. */
  allow: z.array(z.enum(wholeFaults)).max(wholeFaults.length).default([]),
  /** For demonstrations and tests only: what a poisoned device does. */
  attack: z.enum(Object.keys(attacks) as [AttackName, ...AttackName[]]).nullable(),
  attackFromRound: z.number().int().min(1).max(1_000_000),
  /** Folders of the other devices of the same attacker, whose data it shares. */
  accomplices: z.array(path).max(10_000).default([]),
  /** The most that the device ever spends on this dataset; both 0: it trains without noise, public data only. */
  epsilonMicro: z.number().int().min(0).max(100_000_000),
  deltaPico: z.number().int().min(0).max(100_000_000_000),
});
/** `data`, `schema` and `accomplices` are absolute, `folder` is where the device's own files lie. */
export type DeviceConfig = Readonly<z.infer<typeof deviceConfigSchema> & { folder: string }>;

/** Reads and checks DIR/network.json. Throws ConfigError. The result is frozen, its paths relative to DIR. */
export function readNetworkFile(dir: string): NetworkFile {
  return deepFreeze(readJson(join(dir, 'network.json'), networkSchema));
}

/** Reads and checks FOLDER/device.json. Throws ConfigError. The result is frozen, its paths absolute. */
export function readDeviceConfig(folder: string): DeviceConfig {
  const config = readJson(join(folder, 'device.json'), deviceConfigSchema);
  const at = (relative: string): string => resolve(folder, relative);
  return deepFreeze({
    ...config,
    data: at(config.data),
    schema: at(config.schema),
    accomplices: config.accomplices.map(at),
    labels: config.labels === null ? null : at(config.labels),
    folder: resolve(folder),
  });
}

/**
 * Reads a JSON file of at most CONFIG_BYTES_MAX bytes by a schema. The first fault is told with its path inside
 * the file. Throws ConfigError.
 */
export function readJson<T>(file: string, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(readJsonText(file));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new ConfigError('shape', file, `${issue.path.join('.') || 'the file'}: ${issue.message}`);
}

/** What a JSON file of at most CONFIG_BYTES_MAX bytes says, not checked further. Throws ConfigError. */
export function readJsonText(file: string): unknown {
  const text = readBounded(file);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ConfigError('not-json', file, `is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

/** Reads a text file of at most `bytesMax` bytes. Throws ConfigError. */
export function readBounded(file: string, bytesMax = CONFIG_BYTES_MAX): string {
  try {
    const { size } = statSync(file);
    if (size > bytesMax)
      throw new ConfigError('too-large', file, `has ${size} bytes, at most ${bytesMax} fit`);
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      throw new ConfigError('missing-file', file, 'there is no such file', { cause: error });
    const detail = code === 'EISDIR' ? 'it is a folder, not a file' : message;
    throw new ConfigError('unreadable', file, detail, { cause: error });
  }
}

export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
