import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bytesToHex } from '../../crypto/index.js';
import { ProvisionError } from './error.js';
import { newKeys } from './keys.js';
import { type Network, openNetwork } from './network.js';
import { placeOf, writeNode } from './nodeFolder.js';
import { freePorts } from './ports.js';
import { VALIDATORS_MAX } from './provision.js';

export interface AddedNode {
  /** The network as it is now. */
  readonly network: Network;
  readonly name: string;
  /** In hex: what the validators vote on. */
  readonly publicKey: string;
  readonly vrfPublicKey: string;
}

/**
 * Provisions one more validator in a network's folder: fresh keys, ports, a configuration that names all others.
 *
 * It is no validator by that: the others have to vote it in (`identity.add`), and until then they refuse its links.
 * It hosts no devices. `name`: null for the next free "hospital-N".
 * Throws ProvisionError "folder-in-use", "bad-options", and those of `openNetwork`.
 */
export async function addNode(dir: string, name: string | null = null): Promise<AddedNode> {
  const { dir: folder, file } = openNetwork(dir);
  if (file.nodes.length >= VALIDATORS_MAX) {
    throw new ProvisionError('bad-options', `a local network has at most ${VALIDATORS_MAX} validators`);
  }
  const names = new Set(file.nodes.map((node) => node.name));
  const chosen = name ?? freeName(names);
  if (!/^[a-z0-9][a-z0-9.-]{0,62}$/.test(chosen) || names.has(chosen)) {
    throw new ProvisionError(
      'bad-options',
      `${chosen} is no free name (lower-case letters, digits, dots, dashes)`,
    );
  }
  const place = join(folder, 'nodes', chosen);
  if (existsSync(place)) throw new ProvisionError('folder-in-use', `${place} exists: choose another name`);
  const keys = newKeys('validator');
  const [rpcPort, p2pPort] = await portsBeside(file.nodes);
  const node = { name: chosen, keys, rpcPort, p2pPort };
  const part = `${place}.part-${process.pid}`;
  try {
    writeNode(part, node, file.nodes, null);
    renameSync(part, place);
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
  const networkFile = join(folder, 'network.json');
  const next = { ...file, nodes: [...file.nodes, placeOf(node)] };
  writeFileSync(`${networkFile}.part`, `${JSON.stringify(next, null, 2)}\n`);
  renameSync(`${networkFile}.part`, networkFile);
  return {
    network: openNetwork(folder),
    name: chosen,
    publicKey: bytesToHex(keys.publicKey),
    vrfPublicKey: bytesToHex(keys.vrfPublicKey!),
  };
}

function freeName(names: ReadonlySet<string>): string {
  for (let number = names.size + 1; ; number += 1) {
    if (!names.has(`hospital-${number}`)) return `hospital-${number}`;
  }
}

/** Two ports that are free and belong to no node of the network, down as it may be. */
async function portsBeside(
  nodes: readonly { readonly rpc: string; readonly p2p: string }[],
): Promise<readonly [number, number]> {
  const taken = nodes.flatMap(({ rpc, p2p }) => [Number(new URL(rpc).port), Number(p2p.split('/').at(-1))]);
  const found = (await freePorts(taken.length + 2)).filter((port) => !taken.includes(port));
  return [found[0]!, found[1]!];
}
