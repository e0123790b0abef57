import { join } from 'node:path';
import { bytesToHex } from '../../crypto/index.js';
import type { NetworkFile } from '../config.js';
import type { NodeConfigFile } from '../settings/index.js';
import { makeFolder, writeJson } from './files.js';
import { type NewKeys, writeKeystore } from './keys.js';

/** A validator that is being provisioned. */
export interface NewNode {
  readonly name: string;
  readonly keys: NewKeys;
  readonly rpcPort: number;
  readonly p2pPort: number;
}

/** How a network's file names one of its nodes. */
export type NodePlace = NetworkFile['nodes'][number];

export function placeOf({ name, keys, rpcPort, p2pPort }: NewNode): NodePlace {
  return {
    name,
    folder: `nodes/${name}`,
    rpc: `http://127.0.0.1:${rpcPort}`,
    p2p: `/ip4/127.0.0.1/tcp/${p2pPort}`,
    publicKey: bytesToHex(keys.publicKey),
  };
}

/**
 * Writes a validator's folder: keys and configuration. `others`: the network's other nodes, in the order in which
 * hosted devices turn to them; `devicesDir`: null if the node hosts none; `attack`: null if it is honest.
 */
export function writeNode(
  folder: string,
  node: NewNode,
  others: readonly NodePlace[],
  devicesDir: string | null,
  attack: NodeConfigFile['attack'] = null,
): void {
  makeFolder(folder);
  writeKeystore(folder, node.keys);
  const own = placeOf(node);
  const config: NodeConfigFile = {
    version: 1,
    name: node.name,
    genesis: '../../genesis.json',
    dataDir: 'data',
    keystore: 'keystore.json',
    passwordFile: 'password',
    listen: [own.p2p],
    rpc: { host: '127.0.0.1', port: node.rpcPort },
    peers: others.map(({ publicKey, p2p }) => ({ publicKey, addresses: [p2p] })),
    devicesDir,
    deviceNodes: [own, ...others].map(({ rpc }) => rpc),
    retention: 'all',
    trainerThreads: 1,
    attack,
  };
  writeJson(join(folder, 'config.json'), config);
}
