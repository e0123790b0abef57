import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { hexToBytes } from '../crypto/index.js';
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

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]{0,62}$/, 'a name has lower-case letters, digits, dots and dashes, at most 63');
const port = z.number().int().min(1).max(65_535);
const path = z.string().min(1).max(4_096);
const publicKey = z.string().regex(/^[0-9a-f]{64}$/, 'a public key is 64 hex digits');
const rpcUrl = z.url({
  protocol: /^https?$/,
  error: 'an RPC address is a URL such as http://127.0.0.1:4001',
});
const multiaddr = z
  .string()
  .max(256)
  .regex(/^\/(ip4|ip6|dns4|dns6|dns)\/[^/]+\/tcp\/\d{1,5}$/, 'an address looks like /ip4/127.0.0.1/tcp/4001');

/** From genesis, unless told otherwise. */
export const joins = ['genesis', 'snapshot'] as const;

const KNOWN_BLOCK = /^([1-9]\d{0,14}):([0-9a-f]{64})$/;
/** HEIGHT:HASH. */
const knownBlock = z.string().regex(KNOWN_BLOCK, 'a trusted block is HEIGHT:HASH, the hash in 64 hex digits');

/** What HEIGHT:HASH names; null: it is no such text. */
export function readKnownBlock(text: string): { readonly height: number; readonly hash: Uint8Array } | null {
  const found = KNOWN_BLOCK.exec(text);
  return found === null ? null : { height: Number(found[1]), hash: hexToBytes(found[2]!) };
}

/** The configuration of one validator, DIR/nodes/NAME/config.json. Relative paths start at the file's folder. */
export const nodeConfigSchema = z.strictObject({
  version: z.literal(1),
  name,
  genesis: path,
  dataDir: path,
  /** Sealed secrets {sign, vrf}, 32-byte seeds. */
  keystore: path,
  passwordFile: path,
  listen: z.array(multiaddr).min(1).max(16),
  rpc: z.strictObject({ host: z.string().min(1).max(255), port }),
  peers: z.array(z.strictObject({ publicKey, addresses: z.array(multiaddr).min(1).max(16) })).max(1_000),
  /** Holds one folder a device that this node hosts; null: none. */
  devicesDir: path.nullable(),
  /** RPC addresses that the hosted devices submit to, the own node first. */
  deviceNodes: z.array(rpcUrl).max(1_000),
  trainerThreads: z.number().int().min(1).max(64),
  /** For demonstrations and tests only: a colluding verifier that proposes false verdicts. */
  attack: z
    .strictObject({ name: z.literal('false-verdicts'), fromRound: z.number().int().min(1).max(1_000_000) })
    .nullable()
    .default(null),
  /** How a node without a block gets the chain: every block from genesis, or from a recent snapshot on. */
  join: z.enum(joins).optional(),
  /** A block that is known to be of the chain, for joining by a snapshot. */
  trust: knownBlock.optional(),
  /** `all` payloads stay (an auditor's archive), or only those within their tasks' audit `window`. */
  retention: z.enum(['all', 'window']).default('all'),
});
/** As a node runs with it: every path is absolute. */
export type NodeConfig = Readonly<z.infer<typeof nodeConfigSchema>>;

/** What a provisioned network consists of, DIR/network.json. Folders and files are relative to DIR. */
export const networkSchema = z.strictObject({
  version: z.literal(1),
  name,
  /** Hex hash of genesis.json's content: tells when the genesis file was exchanged. */
  chainId: z.string().regex(/^[0-9a-f]{64}$/, 'a chain id is 64 hex digits'),
  nodes: z
    .array(z.strictObject({ name, folder: path, rpc: rpcUrl, p2p: multiaddr, publicKey }))
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

/** Reads and checks a node's configuration. Throws ConfigError. The result is frozen, its paths absolute. */
export function readNodeConfig(file: string): NodeConfig {
  const config = readJson(file, nodeConfigSchema);
  const at = (relative: string): string => resolve(dirname(resolve(file)), relative);
  return deepFreeze({
    ...config,
    genesis: at(config.genesis),
    dataDir: at(config.dataDir),
    keystore: at(config.keystore),
    passwordFile: at(config.passwordFile),
    devicesDir: config.devicesDir === null ? null : at(config.devicesDir),
  });
}

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
    throw new ConfigError('unreadable', file, message, { cause: error });
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
