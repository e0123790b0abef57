import { join } from 'node:path';
import { adminTokenFile, readAdminToken } from '../adminToken.js';
import type { NetworkFolder } from '../provision/index.js';
import { createClient } from '../rpc/index.js';
import { readNodeConfig } from '../settings/index.js';
import { TestnetError } from './error.js';
import { nodePid } from './nodeProcess.js';

/*
 * What an operator or a scenario does to a local network on purpose. Kills are killNodeProcess, starts
 * startNodeProcess.
 */

/** Stops a node's process where it is (SIGSTOP), or lets it go on (SIGCONT). Throws TestnetError "not-running". */
export function pauseNodeProcess(network: NetworkFolder, name: string, paused: boolean): void {
  const pid = nodePid(network, name);
  if (pid === null) throw new TestnetError('not-running', `${name} does not run`);
  process.kill(pid, paused ? 'SIGSTOP' : 'SIGCONT');
}

/**
 * Cuts every link between validators of different groups, until the next call; those in no group stand alone. Asks
 * each running node to keep no link with the others; one that is paused or down does not hear of it, nor does one
 * that is started again. One group: heals. Throws TestnetError "unknown-node", RpcError.
 */
export async function partitionNetwork(
  network: NetworkFolder,
  groups: readonly (readonly string[])[],
): Promise<void> {
  const { nodes } = network.file;
  for (const name of groups.flat()) {
    if (nodes.some((node) => node.name === name)) continue;
    const known = nodes.map((node) => node.name).join(', ');
    throw new TestnetError(
      'unknown-node',
      `there is no validator ${name} in this network (there are ${known})`,
    );
  }
  await Promise.all(
    nodes
      .filter(({ name }) => nodePid(network, name) !== null)
      .map(async ({ name, folder, rpc }) => {
        const group = groups.find((names) => names.includes(name)) ?? [name];
        const validators = nodes
          .filter((other) => !group.includes(other.name))
          .map(({ publicKey }) => publicKey);
        const { dataDir } = readNodeConfig(join(network.dir, folder, 'config.json'));
        const adminToken = readAdminToken(dataDir);
        if (adminToken === null)
          throw new TestnetError('not-running', `${name}: no ${adminTokenFile(dataDir)}`);
        await createClient(rpc, { adminToken }).call('admin.cut', { validators });
      }),
  );
}

/** Every link as the chain admits it. */
export function healNetwork(network: NetworkFolder): Promise<void> {
  return partitionNetwork(network, [network.file.nodes.map(({ name }) => name)]);
}
