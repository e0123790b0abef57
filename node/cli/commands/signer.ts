import { dirname, join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { hexToBytes } from '../../../crypto/index.js';
import { openNetwork, readKeystore } from '../../provision/index.js';
import { type Client, createWallet, type WalletCall } from '../../rpc/index.js';
import { CliError } from '../failure.js';
import { type NodeOptions, nodeOptions } from './nodeOptions.js';

const WAIT_MS = 30_000;

export interface SignerOptions extends NodeOptions {
  readonly as?: string;
  readonly keystore?: string;
  readonly passwordFile?: string;
  readonly json?: boolean;
}

/** The options of every command that a validator signs. */
export function signerOptions(command: Command): Command {
  return nodeOptions(command)
    .option('--as <name>', 'the validator of --network that signs')
    .option('--keystore <file>', 'the keys of who signs, instead')
    .option('--password-file <file>', 'its password (default: the file "password" beside it)');
}

/** A public key as an option or argument. */
export function publicKey(text: string): string {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  throw new InvalidArgumentError('It must be a key as 64 lower-case hex digits.');
}

/** The signing secret that the options name. */
export function signerOf({ as: name, keystore, passwordFile, network }: SignerOptions): Uint8Array {
  if (keystore !== undefined) return secretsOf(keystore, passwordFile).sign;
  if (name === undefined || network === undefined) {
    throw new CliError('usage', 'who signs? Give --keystore FILE, or --network FOLDER and --as NAME');
  }
  return secretsOf(keystoreIn(network, name)).sign;
}

/** Where a network keeps the keys of one of its validators. */
export function keystoreIn(network: string, name: string): string {
  const { dir, file } = openNetwork(network);
  const node = file.nodes.find((each) => each.name === name);
  if (node !== undefined) return join(dir, node.folder, 'keystore.json');
  throw new CliError('usage', `there is no validator ${name} in ${dir}`);
}

export function secretsOf(keystore: string, passwordFile = join(dirname(keystore), 'password')) {
  const { sign, vrf } = readKeystore(keystore, passwordFile);
  if (sign === undefined) throw new CliError('bad-config', `${keystore} holds no signing key`);
  return { sign, vrf };
}

/** Signs a call, waits for its block. Throws CliError "refused" with the contract's code. */
export async function commit(client: Client, secret: Uint8Array, call: WalletCall) {
  const { chainId } = await client.call('chain.status', {});
  const wallet = createWallet({ client, chainId: hexToBytes(chainId), secret });
  const done = await wallet.wait(await wallet.send(call), WAIT_MS);
  if (!done.ok) throw new CliError('refused', `the chain refused it (${done.code}): ${done.detail}`);
  return done;
}

/** The fields of all events of a committed call, later ones over earlier ones, and the kinds in their order. */
export function eventsOf({ events }: Awaited<ReturnType<typeof commit>>) {
  const fields = Object.assign({}, ...events.map((event) => event.fields)) as Record<string, unknown>;
  return { fields, kinds: events.map(({ kind }) => kind) };
}
