import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TrainerPool } from '../../fl/trainer/index.js';
import type { Logger } from '../log.js';
import type { Client } from '../rpc/index.js';
import { runDevice } from './agent.js';
import { type Device, loadDevice } from './device.js';
import { pause } from './pause.js';
import { payloadsFrom } from './payloads.js';

const DEVICES_MAX = 64;
const LOOK_EVERY_MS = 5_000;

export interface HostOptions {
  /** One folder a device. */
  readonly folder: string;
  readonly chainId: Uint8Array;
  /** The nodes that devices submit to, the own one first. */
  readonly clients: readonly Client[];
  readonly threads: number;
  readonly log: Logger;
  /** Resolves when the own node is not behind the others: what it says before that is old. */
  readonly caughtUp: (signal: AbortSignal) => Promise<void>;
  /** How often to look for new folders and changed keys. */
  readonly lookEveryMs?: number;
}

interface Hosted {
  readonly device: Device;
  /** The keystore file that the device was loaded with. */
  readonly keystore: string;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/**
 * Loads every device of a folder and sets it to work. Throws what loadDevice throws, starting none.
 *
 * From then on it looks again every few seconds: a folder that has come with a device in it is taken up, and a device
 * whose keystore has changed goes on under its new key. A folder that cannot be loaded then is logged and tried again.
 */
export async function startDevices(
  options: HostOptions,
): Promise<{ names(): readonly string[]; close(): Promise<void> }> {
  const { folder, threads, log, lookEveryMs = LOOK_EVERY_MS } = options;
  const folders = await foldersIn(folder);
  if (folders.length > DEVICES_MAX)
    throw new RangeError(`${folder} holds ${folders.length} devices, at most ${DEVICES_MAX}`);
  const loaded = await Promise.all(folders.map(load));
  const pool = new TrainerPool({ threads, queueMax: 2 * DEVICES_MAX });
  const stop = new AbortController();
  const fetchPayload = payloadsFrom(options.clients, stop.signal);
  const hosted = new Map<string, Hosted>();
  const start = (path: string, { device, keystore }: Pick<Hosted, 'device' | 'keystore'>) => {
    const own = new AbortController();
    const signal = AbortSignal.any([stop.signal, own.signal]);
    const done = runDevice({ ...options, device, fetchPayload, pool, signal });
    hosted.set(path, { device, keystore, stop: own, done });
  };
  for (const [i, path] of folders.entries()) start(path, loaded[i]!);
  /** What was said of a folder last: a fault is logged once. */
  const said = new Map<string, string>();
  const look = async (path: string): Promise<void> => {
    const known = hosted.get(path);
    if (known !== undefined && known.keystore === (await keystoreIn(path))) return;
    if (known === undefined && hosted.size >= DEVICES_MAX)
      throw new RangeError(`at most ${DEVICES_MAX} devices`);
    const fresh = await load(path);
    known?.stop.abort();
    await known?.done;
    if (stop.signal.aborted) return;
    start(path, fresh);
    log('info', 'device-taken-up', { device: fresh.device.name });
  };
  const lookAgain = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await pause(lookEveryMs, stop.signal);
      for (const path of await foldersIn(folder).catch(() => [])) {
        if (stop.signal.aborted || !existsSync(join(path, 'device.json'))) continue;
        try {
          await look(path);
          said.delete(path);
        } catch (error) {
          if (said.get(path) !== String(error))
            log('warn', 'device-not-loaded', { path, error: String(error) });
          said.set(path, String(error));
        }
      }
    }
  };
  const looking = lookAgain();
  return {
    names: () => [...hosted.values()].map(({ device }) => device.name),
    close: async () => {
      stop.abort();
      await looking;
      await pool.close();
      await Promise.allSettled([...hosted.values()].map(({ done }) => done));
    },
  };
}

async function foldersIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(folder, name))
    .sort();
}

async function load(path: string): Promise<Pick<Hosted, 'device' | 'keystore'>> {
  const keystore = await keystoreIn(path);
  return { device: await loadDevice(path), keystore };
}

function keystoreIn(path: string): Promise<string> {
  return readFile(join(path, 'keystore.json'), 'utf8').catch(() => '');
}
