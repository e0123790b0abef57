import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { ConfigError, deepFreeze, readJsonText } from '../config.js';
import { otherVariables, type Setting, settingAt, settings } from './list.js';
import { didYouMean } from './nearest.js';
import { type NodeConfig, nodeConfigSchema } from './schema.js';

/** Where a value may come from: later ones win over earlier ones. */
export type Origin = 'default' | 'file' | 'environment' | 'flag';

export interface Sources {
  /** The configuration file. */
  readonly file: string;
  /** Left out: the environment is not looked at. */
  readonly env?: NodeJS.ProcessEnv;
  /** Texts by the settings' paths. */
  readonly flags?: Readonly<Record<string, string>>;
}

export interface Loaded {
  readonly config: NodeConfig;
  /** By the settings' paths; of every setting. */
  readonly origins: ReadonlyMap<string, Origin>;
}

/** Reads and checks a node's configuration, of a file alone. Throws ConfigError. Frozen, its paths absolute. */
export function readNodeConfig(file: string): NodeConfig {
  return loadSettings({ file }).config;
}

/**
 * A node's configuration from file, environment and flags. Throws ConfigError, which names the source: a setting that
 * there is not comes with the one that may be meant. The result is frozen, its paths absolute: those of the file start
 * at its folder, the others at the working directory.
 */
export function loadSettings({ file, env = {}, flags = {} }: Sources): Loaded {
  const found = readJsonText(file);
  if (!isObject(found)) throw new ConfigError('shape', file, 'the file: it must be a JSON object');
  refuseUnknown(found, file);
  const raw = structuredClone(found);
  const origins = new Map<string, Origin>(
    settings.map(({ path }) => [path, valueAt(found, path) === undefined ? 'default' : 'file']),
  );
  for (const [setting, text] of fromEnvironment(env))
    put(raw, setting, text, setting.env!, 'environment', origins);
  for (const [path, text] of Object.entries(flags)) {
    const setting = settingAt(path)!;
    put(raw, setting, text, `--${setting.flag}`, 'flag', origins);
  }
  const parsed = nodeConfigSchema.safeParse(raw);
  if (!parsed.success) throw faultOf(parsed.error.issues[0]!, file, origins);
  return { config: absolute(parsed.data, file, origins), origins };
}

/** An environment without what would set a node: for those that a local network starts, which have files. Pure. */
export function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = new Set([...settings.map((setting) => setting.env), 'CONSILIUM_CONFIG']);
  return Object.fromEntries(Object.entries(env).filter(([name]) => !names.has(name)));
}

/** The value at a path such as `rpc.port`. Pure. */
export function valueAt(config: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), config);
}

function fromEnvironment(env: NodeJS.ProcessEnv): readonly (readonly [Setting, string])[] {
  const known = new Map(
    settings.flatMap((setting) => (setting.env === null ? [] : [[setting.env, setting] as const])),
  );
  return Object.entries(env).flatMap(([name, text]) => {
    if (!name.startsWith('CONSILIUM_') || text === undefined || otherVariables.includes(name)) return [];
    const setting = known.get(name);
    if (setting !== undefined) return [[setting, text] as const];
    const like = didYouMean(name, [...known.keys(), ...otherVariables]);
    const hint = like === '' ? '; "consilium config explain" lists them' : like;
    throw new ConfigError('shape', name, `there is no such setting in the environment${hint}`);
  });
}

function put(
  raw: Record<string, unknown>,
  setting: Setting,
  text: string,
  source: string,
  origin: Origin,
  origins: Map<string, Origin>,
): void {
  let value: unknown;
  try {
    value = setting.read(text);
  } catch (cause) {
    throw new ConfigError('not-json', source, `is not JSON: ${(cause as Error).message}`, { cause });
  }
  const keys = setting.path.split('.');
  const last = keys.pop()!;
  let at = raw;
  for (const key of keys) {
    if (!isObject(at[key])) at[key] = {};
    at = at[key] as Record<string, unknown>;
  }
  at[last] = value;
  origins.set(setting.path, origin);
}

/** Before the schema looks, since it cannot say what may be meant. */
function refuseUnknown(found: Record<string, unknown>, file: string): void {
  const known = ['version', ...settings.map(({ path }) => path)];
  const groups = new Set(known.filter((path) => path.includes('.')).map((path) => path.split('.')[0]!));
  for (const [key, value] of Object.entries(found)) {
    const names =
      groups.has(key) && isObject(value) ? Object.keys(value).map((inner) => `${key}.${inner}`) : [key];
    for (const name of names) {
      if (known.includes(name) || groups.has(name)) continue;
      throw new ConfigError('shape', file, `there is no setting ${name}${didYouMean(name, known)}`);
    }
  }
}

/** The first thing that does not hold, with where its value came from. */
function faultOf(issue: z.core.$ZodIssue, file: string, origins: ReadonlyMap<string, Origin>): ConfigError {
  const place = issue.path.join('.') || 'the file';
  const setting = settings.find(({ path }) => place === path || place.startsWith(`${path}.`));
  const origin = setting === undefined ? 'file' : origins.get(setting.path);
  if (setting !== undefined && origin === 'environment')
    return new ConfigError('shape', setting.env!, issue.message);
  if (setting !== undefined && origin === 'flag') {
    return new ConfigError('shape', `--${setting.flag}`, issue.message);
  }
  const missing = setting !== undefined && origin === 'default';
  const message = missing ? `it is missing (or set ${setting.env})` : issue.message;
  return new ConfigError('shape', file, `${place}: ${message}`);
}

function absolute(config: NodeConfig, file: string, origins: ReadonlyMap<string, Origin>): NodeConfig {
  const folder = dirname(resolve(file));
  const changed: Record<string, unknown> = { ...config };
  for (const { path, isPath } of settings) {
    const value = changed[path];
    if (!isPath || typeof value !== 'string') continue;
    const origin = origins.get(path);
    changed[path] = origin === 'file' || origin === 'default' ? resolve(folder, value) : resolve(value);
  }
  return deepFreeze(changed as NodeConfig);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
