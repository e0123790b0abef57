import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TrainerPool } from '../../fl/trainer/index.js';
import type { Logger } from '../log.js';
import type { Client } from '../rpc/index.js';
import { runDevice } from './agent.js';
import { loadDevice } from './device.js';

const DEVICES_MAX = 64;

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
}

/** Loads every device of a folder and sets it to work. Throws what loadDevice throws, starting none. */
export async function startDevices(
  options: HostOptions,
): Promise<{ readonly names: readonly string[]; close(): Promise<void> }> {
  const { folder, chainId, clients, threads, log, caughtUp } = options;
  const entries = await readdir(folder, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
  if (folders.length > DEVICES_MAX)
    throw new RangeError(`${folder} holds ${folders.length} devices, at most ${DEVICES_MAX}`);
  const devices = await Promise.all(folders.sort().map(loadDevice));
  const pool = new TrainerPool({ threads, queueMax: 2 * DEVICES_MAX });
  const stop = new AbortController();
  const agents = devices.map((device) =>
    runDevice({ device, chainId, clients, pool, log, caughtUp, signal: stop.signal }),
  );
  return {
    names: devices.map(({ name }) => name),
    close: async () => {
      stop.abort();
      await pool.close();
      await Promise.allSettled(agents);
    },
  };
}
