import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePorts } from '../../node/provision/index.js';
import { get } from '../load/http.js';
import type { Progress, System } from '../load/system.js';

const run = promisify(execFile);
const BUILD_MS = 600_000;
const READY_MS = 60_000;
const STOP_MS = 5_000;

/** How the peer is configured, beyond what its own `testnet` command writes. Names are those of its config.toml. */
export interface CometVariant {
  readonly name: string;
  readonly settings: Readonly<Record<string, string>>;
}

/** Settings that every variant needs to run four nodes on one machine and to take our batches. */
const always: CometVariant['settings'] = {
  P2P_ADDR_BOOK_STRICT: 'false',
  P2P_ALLOW_DUPLICATE_IP: 'true',
  RPC_MAX_REQUEST_BATCH_SIZE: '32',
};

/** As it ships: a block a second at most, empty ones too. */
export const shipped: CometVariant = { name: 'as it ships', settings: {} };

/**
 * As somebody would set it who wants finality on a fast network: no wait after a commit, blocks only when there is
 * something in them, and no waits of 100 ms in gossip and sending. Each of these waits alone is longer than a height
 * takes on loopback: without this the comparison would be one of timers.
 */
export const tuned: CometVariant = {
  name: 'waits cut',
  settings: {
    CONSENSUS_TIMEOUT_COMMIT: '0s',
    CONSENSUS_CREATE_EMPTY_BLOCKS: 'false',
    CONSENSUS_PEER_GOSSIP_SLEEP_DURATION: '5ms',
    P2P_FLUSH_THROTTLE_TIMEOUT: '5ms',
  },
};

/** The peer's program, built from the pinned module beside this file; or why there is none. Cached between runs. */
export async function buildComet(): Promise<{ readonly program: string } | { readonly missing: string }> {
  const module = moduleFolder();
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'consilium-bench');
  const program = join(cache, `cometbft-${versionIn(module)}`);
  if (existsSync(program)) return { program };
  try {
    await run('go', ['version']);
  } catch {
    return { missing: 'there is no Go on this machine' };
  }
  mkdirSync(cache, { recursive: true });
  process.stderr.write('building CometBFT (once, minutes)\n');
  const source = 'github.com/cometbft/cometbft/cmd/cometbft';
  try {
    await run('go', ['build', '-mod=readonly', '-trimpath', '-o', program, source], {
      cwd: module,
      timeout: BUILD_MS,
    });
  } catch (error) {
    return {
      missing: `it could not be built (module proxy?): ${String((error as Error).message).slice(0, 300)}`,
    };
  }
  return { program };
}

export function cometVersion(): string {
  return versionIn(moduleFolder());
}

/** Beside the sources, also when this runs from dist/. */
function moduleFolder(): string {
  const beside = fileURLToPath(new URL('./cometbft', import.meta.url));
  return existsSync(join(beside, 'go.mod'))
    ? beside
    : fileURLToPath(new URL('../../../bench/peers/cometbft', import.meta.url));
}

function versionIn(module: string): string {
  const text = readFileSync(join(module, 'go.mod'), 'utf8');
  return /github\.com\/cometbft\/cometbft (v\S+)/.exec(text)![1]!;
}

/** Validators as processes on loopback, each with the built-in kvstore in its own process. */
export async function startComet(
  program: string,
  variant: CometVariant,
  validators: number,
): Promise<System> {
  const root = await mkdtemp(join(tmpdir(), 'cometbft-bench-'));
  const children: ChildProcess[] = [];
  const close = async () => {
    await Promise.all(children.map(end));
    rmSync(root, { recursive: true, force: true });
  };
  try {
    await run(program, ['testnet', '--v', String(validators), '--o', root]);
    const ports = await freePorts(2 * validators);
    const homes = Array.from({ length: validators }, (_, i) => join(root, `node${i}`));
    const ids = await Promise.all(
      homes.map(async (home) => (await run(program, ['show-node-id', '--home', home])).stdout.trim()),
    );
    const urls = homes.map((_, i) => `http://127.0.0.1:${ports[2 * i]!}`);
    const startedAt = performance.now();
    for (const [i, home] of homes.entries()) {
      const peers = ids.flatMap((id, j) => (j === i ? [] : [`${id}@127.0.0.1:${ports[2 * j + 1]!}`]));
      const place = { p2p: `tcp://127.0.0.1:${ports[2 * i + 1]!}`, rpc: `tcp://127.0.0.1:${ports[2 * i]!}` };
      children.push(start(program, home, place, peers, variant));
    }
    await ready(urls, children);
    return {
      name: `CometBFT ${cometVersion()}, ${variant.name}`,
      dialect: 'cometbft',
      chainId: '',
      urls,
      startedAt,
      processes: children.map(({ pid }, i) => ({ name: `node${i}`, pid: pid! })),
      progress: followBlocks(urls[0]!),
      finality: async () => null,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function start(
  program: string,
  home: string,
  place: { readonly p2p: string; readonly rpc: string },
  peers: readonly string[],
  variant: CometVariant,
): ChildProcess {
  const settings = { ...always, ...variant.settings };
  const environment = Object.entries(settings).map(([name, value]) => [`CMT_${name}`, value]);
  const flags = [
    '--p2p.laddr',
    place.p2p,
    '--rpc.laddr',
    place.rpc,
    '--p2p.persistent_peers',
    peers.join(','),
  ];
  const log = openSync(join(home, 'node.log'), 'a');
  const args = ['start', '--home', home, '--proxy_app', 'kvstore', '--log_level', 'error', ...flags];
  return spawn(program, args, {
    env: { ...process.env, ...Object.fromEntries(environment) },
    stdio: ['ignore', log, log],
  });
}

async function ready(urls: readonly string[], children: readonly ChildProcess[]): Promise<void> {
  const until = performance.now() + READY_MS;
  for (;;) {
    const states = await Promise.all(urls.map(stateOf));
    if (states.every((state) => state !== null && state.height >= 1 && state.peers === urls.length - 1))
      return;
    if (children.some(({ exitCode }) => exitCode !== null)) throw new Error('a CometBFT node ended at once');
    if (performance.now() > until) throw new Error(`CometBFT was not ready within ${READY_MS / 1_000} s`);
    await delay(100);
  }
}

async function stateOf(url: string): Promise<{ height: number; peers: number } | null> {
  try {
    const status = (await get(`${url}/status`)) as { result: { sync_info: { latest_block_height: string } } };
    const info = (await get(`${url}/net_info`)) as { result: { n_peers: string } };
    return {
      height: Number(status.result.sync_info.latest_block_height),
      peers: Number(info.result.n_peers),
    };
  } catch {
    return null; // not up yet
  }
}

/** Counts transactions from block headers: at most 20 a call, which is what one call returns. */
function followBlocks(url: string): () => Promise<Progress> {
  let progress: Progress = { transactions: 0, height: 0, emptyBlocks: 0 };
  const once = async (): Promise<Progress> => {
    for (;;) {
      const from = progress.height + 1;
      const answer = (await get(`${url}/blockchain?minHeight=${from}&maxHeight=${from + 19}`)) as Metas;
      const metas = (answer.result?.block_metas ?? []).filter(({ header }) => Number(header.height) >= from);
      for (const { header, num_txs: count } of metas.reverse()) {
        progress = {
          transactions: progress.transactions + Number(count),
          height: Number(header.height),
          emptyBlocks: progress.emptyBlocks + (Number(count) === 0 ? 1 : 0),
        };
      }
      if (metas.length < 20) return progress;
    }
  };
  // One caller at a time, so that no block is counted twice.
  let last: Promise<unknown> = Promise.resolve();
  return () => {
    const next = last.then(once);
    last = next.catch(() => {});
    return next;
  };
}

interface Metas {
  readonly result?: {
    readonly block_metas: readonly {
      readonly num_txs: string;
      readonly header: { readonly height: string };
    }[];
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await exited;
  clearTimeout(late);
}
