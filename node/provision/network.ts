import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { bytesToHex, hexToBytes } from '../../crypto/index.js';
import { chainIdOf, type Genesis, genesisValue, parseGenesis } from '../../genesis/index.js';
import { type NetworkFile, readBounded, readNetworkFile } from '../config.js';
import { ProvisionError } from './error.js';

/** A genesis of 10,000 accounts is about 3 MB. */
export const GENESIS_BYTES_MAX = 16 * 1024 * 1024;

/** A provisioned network: its folder and what stands in it. */
export interface Network {
  readonly dir: string;
  readonly file: NetworkFile;
  readonly genesisFile: string;
  readonly chainId: Uint8Array;
}

/** Where a network lies and what it consists of: enough to find and end its processes. */
export type NetworkFolder = Pick<Network, 'dir' | 'file'>;

/** Reads what stands in a network's folder. Throws ProvisionError "not-a-network", ConfigError. */
export function openFolder(dir: string): NetworkFolder {
  const folder = resolve(dir);
  if (existsSync(join(folder, 'network.json'))) return { dir: folder, file: readNetworkFile(folder) };
  throw new ProvisionError('not-a-network', `${folder} holds no network (network.json is missing)`);
}

/**
 * Opens the network in a folder. Checks that genesis.json is still the one that it was provisioned with.
 *
 * Throws ProvisionError "not-a-network", "bad-genesis", "other-genesis"; ConfigError for network.json.
 */
export function openNetwork(dir: string): Network {
  const { dir: folder, file } = openFolder(dir);
  const genesisFile = join(folder, 'genesis.json');
  const chainId = bytesToHex(chainIdOf(genesisValue(readGenesis(genesisFile))));
  if (chainId !== file.chainId) {
    throw new ProvisionError(
      'other-genesis',
      `${genesisFile} has chain id ${chainId}, but the network in this folder belongs to ${file.chainId}: ` +
        'restore the genesis file, or provision into a fresh folder',
    );
  }
  return { dir: folder, file, genesisFile, chainId: hexToBytes(chainId) };
}

/** Reads and checks a genesis file. Throws ProvisionError "bad-genesis", ConfigError if it cannot be read. */
export function readGenesis(file: string): Genesis {
  const parsed = parseGenesis(readBounded(file, GENESIS_BYTES_MAX));
  if (parsed.ok) return parsed.genesis;
  throw new ProvisionError('bad-genesis', `${file} is not a genesis (${parsed.reason}): ${parsed.detail}`);
}

export type FolderState = 'free' | 'network' | 'other';

/** What a folder holds: nothing (or it is not there), a network, or other things. */
export function folderState(dir: string): FolderState {
  if (!existsSync(dir)) return 'free';
  const entries = readdirSync(dir);
  if (entries.length === 0) return 'free';
  return entries.includes('network.json') ? 'network' : 'other';
}
