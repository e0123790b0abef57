import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Network } from '../../provision/index.js';
import { type Client, createClient } from '../../rpc/index.js';
import { nodePid } from '../../testnet/index.js';
import { CliError } from '../failure.js';
import { createNodePool, type NodePool } from '../nodePool.js';

const POLL_MS = 200;

/** What a scenario is played on: one local network, once it has said which. */
export class World {
  /** For what sentences write. */
  readonly folder: string;
  /** The network's own. */
  readonly dir: string;
  readonly signal: AbortSignal;
  #network: Network | null = null;

  constructor(folder: string, dir: string, signal: AbortSignal) {
    this.folder = folder;
    this.dir = dir;
    this.signal = signal;
  }

  get network(): Network {
    if (this.#network !== null) return this.#network;
    throw new CliError(
      'usage',
      'a scenario begins with its network',
      'network of 4 hospitals with 2 devices each',
    );
  }

  get started(): Network | null {
    return this.#network;
  }

  begin(network: Network): void {
    if (this.#network !== null) throw new CliError('usage', 'a scenario has one network');
    this.#network = network;
  }

  /** Any node that answers. */
  get nodes(): NodePool {
    return createNodePool(
      this.network.file.nodes.map(({ rpc }) => rpc),
      this.signal,
    );
  }

  /** Those whose process runs. */
  get running(): readonly { readonly name: string; readonly client: Client }[] {
    return this.network.file.nodes
      .filter(({ name }) => nodePid(this.network, name) !== null)
      .map(({ name, rpc }) => ({
        name,
        client: createClient(rpc, { timeoutMs: 5_000, retries: 0, signal: this.signal }),
      }));
  }

  /** The head of each running node; null: it does not answer. */
  heads(): Promise<
    readonly { readonly name: string; readonly height: number | null; readonly hash: string | null }[]
  > {
    return Promise.all(
      this.running.map(async ({ name, client }) => {
        const head = await client.call('chain.status', {}).catch(() => null);
        return { name, height: head?.height ?? null, hash: head?.hash ?? null };
      }),
    );
  }

  async height(): Promise<number> {
    return Math.max(0, ...(await this.heads()).map(({ height }) => height ?? 0));
  }

  /** Where something is written; an absolute name is that of a file beside the scenario. */
  path(name: string): string {
    return resolve(this.folder, name);
  }

  /** Asks again and again until it holds: `null`, or why it does not yet. Throws CliError "check-failed" at the bound. */
  async until(seconds: number, look: () => Promise<string | null>): Promise<void> {
    const end = performance.now() + seconds * 1_000;
    for (;;) {
      const why = await look();
      if (why === null) return;
      if (performance.now() > end) throw new CliError('check-failed', `${why}, after ${seconds} s`);
      await delay(POLL_MS, undefined, { signal: this.signal });
    }
  }
}
