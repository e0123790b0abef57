import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { hexToBytes } from '../../crypto/index.js';
import { openNetwork, readKeystore } from '../provision/index.js';
import { type Client, type Committed, createWallet, type WalletCall } from '../rpc/index.js';
import { type NodeOptions, nodeOptions } from './commands/nodeOptions.js';
import { CliError } from './failure.js';
import { publisherKey } from './publisherKey.js';

const WAIT_MS = 30_000;

/** Who signs. */
export interface SignerOptions extends NodeOptions {
  readonly as?: string;
  readonly keystore?: string;
  readonly passwordFile?: string;
}

/** The options of every command that signs for one account of any role. */
export function accountOptions(command: Command): Command {
  return nodeOptions(command)
    .option('--as <name>', 'the validator or device of --network that signs (default: its publisher)')
    .option('--keystore <file>', 'the keys of the account that signs, instead')
    .option('--password-file <file>', 'its password (default: the file "password" beside it)');
}

/** The signing secret that the options name. Throws CliError "usage", "bad-config". */
export function secretOf({ as: name, keystore, passwordFile, network }: SignerOptions): Uint8Array {
  if (keystore !== undefined) return read(keystore, passwordFile);
  if (network === undefined)
    throw new CliError(
      'usage',
      'who signs? Give --keystore FILE, or --network FOLDER with or without --as NAME',
    );
  const { dir, file } = openNetwork(network);
  if (name === undefined || name === file.publisher.name) return publisherKey(openNetwork(network));
  const place = [...file.nodes, ...file.devices].find((each) => each.name === name);
  if (place === undefined) throw new CliError('usage', `there is no validator or device ${name} in ${dir}`);
  return read(join(dir, place.folder, 'keystore.json'), passwordFile);
}

function read(keystore: string, passwordFile = join(dirname(keystore), 'password')): Uint8Array {
  const { sign } = readKeystore(keystore, passwordFile);
  if (sign === undefined) throw new CliError('bad-config', `${keystore} holds no signing key`);
  return sign;
}

/** Signs a call, waits for its block. Throws CliError "refused" if the contract refuses it, "timed-out". */
export async function commitCall(
  client: Client,
  secret: Uint8Array,
  call: WalletCall,
): Promise<Committed & { readonly hash: string }> {
  const { chainId } = await client.call('chain.status', {});
  const wallet = createWallet({ client, chainId: hexToBytes(chainId), secret });
  const hash = await wallet.send(call);
  const done = await wallet.wait(hash, WAIT_MS);
  if (!done.ok) throw new CliError('refused', `the chain refused it (${done.code}): ${done.detail}`);
  return { ...done, hash };
}
