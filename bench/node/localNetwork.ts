import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publisherKey } from '../../node/cli/publisherKey.js';
import { folderState, type Network, openFolder, openNetwork } from '../../node/provision/index.js';
import { type Client, createClient, createWallet } from '../../node/rpc/index.js';
import { nodePid, stopTestnet } from '../../node/testnet/index.js';

const CLI = join(import.meta.dirname, '..', '..', 'node', 'cli', 'main.js');
const UP_MS = 180_000;
const COMMIT_MS = 60_000;
const CALL_MS = 30_000;

/** A network as `consilium testnet up` makes and starts it, with its default settings. */
export interface LocalNetwork {
  readonly network: Network;
  /** One a validator, in their order. */
  readonly clients: readonly Client[];
  /** Process ids, in the same order. */
  readonly pids: readonly number[];
  /** Ends its processes, by the ids that the folder has, and removes the folder. */
  close(): Promise<void>;
}

export interface Started {
  readonly local: LocalNetwork;
  /** From the command's start to its end: all nodes are ready. */
  readonly readySeconds: number;
  /** From the command's start to the word of the first node that block 1 is committed. */
  readonly firstBlockSeconds: number;
}

/**
 * `consilium testnet up` in a new folder, and a first transaction as soon as it returns: a chain without any has its
 * first block with the heartbeat. Throws if that takes minutes; nothing is left behind then.
 */
export async function startLocal(validators: number): Promise<Started> {
  const root = mkdtempSync(join(tmpdir(), 'consilium-bench-node-'));
  const dir = join(root, 'network');
  const close = async () => {
    if (folderState(dir) === 'network') await stopTestnet(openFolder(dir));
    rmSync(root, { recursive: true, force: true });
  };
  try {
    const begun = performance.now();
    const since = () => (performance.now() - begun) / 1_000;
    await testnetUp(dir, validators);
    const readySeconds = since();
    const network = openNetwork(dir);
    const clients = network.file.nodes.map(({ rpc }) => createClient(rpc, { timeoutMs: CALL_MS }));
    await commitOne(network, clients[0]!);
    const firstBlockSeconds = since();
    const pids = network.file.nodes.map(({ name }) => nodePid(network, name)!);
    return { local: { network, clients, pids, close }, readySeconds, firstBlockSeconds };
  } catch (error) {
    await close();
    throw error;
  }
}

function testnetUp(dir: string, validators: number): Promise<void> {
  const args = [CLI, 'testnet', 'up', dir, '--validators', String(validators), '--json'];
  return new Promise((resolve, reject) => {
    // SIGINT: the command stops what it has started.
    execFile(process.execPath, args, { timeout: UP_MS, killSignal: 'SIGINT' }, (error, _, stderr) =>
      error === null ? resolve() : reject(new Error(`testnet up: ${stderr || error.message}`)),
    );
  });
}

async function commitOne(network: Network, client: Client): Promise<void> {
  const { chainId } = network;
  const wallet = createWallet({ client, chainId, secret: publisherKey(network) });
  const args = { digest: new Uint8Array(32), memo: 'bench' };
  const hash = await wallet.send({ contract: 'anchor', method: 'put', level: 0, args, payloads: [] });
  const done = await wallet.wait(hash, COMMIT_MS);
  if (done.status !== 'committed' || !done.ok)
    throw new Error(`the first transaction: ${JSON.stringify(done)}`);
}
