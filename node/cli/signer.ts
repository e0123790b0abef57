import { dirname, join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { openNetwork, readKeystore } from '../provision/index.js';
import { type NodeOptions, nodeOptions } from './commands/nodeOptions.js';
import { CliError } from './failure.js';
import { publisherKey } from './publisherKey.js';

/** Who signs. */
export interface SignerOptions extends NodeOptions {
  readonly as?: string;
  readonly keystore?: string;
  readonly passwordFile?: string;
  readonly json?: boolean;
}

/** The options of every command that signs for one account of any role. */
export function accountOptions(command: Command): Command {
  return signedBy(command, 'the validator or device of --network that signs (default: its publisher)');
}

/** The options of every command that a validator signs. */
export function validatorOptions(command: Command): Command {
  return signedBy(command, 'the validator of --network that signs');
}

function signedBy(command: Command, as: string): Command {
  return nodeOptions(command)
    .option('--as <name>', as)
    .option('--keystore <file>', 'the keys of who signs, instead')
    .option('--password-file <file>', 'its password (default: the file "password" beside it)');
}

/** A public key as an option or argument. */
export function publicKey(text: string): string {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  throw new InvalidArgumentError('It must be a key as 64 lower-case hex digits.');
}

/** The signing secret that `accountOptions` name. Throws CliError "usage", "bad-config". */
export function secretOf({ as: name, keystore, passwordFile, network }: SignerOptions): Uint8Array {
  if (keystore !== undefined) return keysOf(keystore, passwordFile).sign;
  if (network === undefined) {
    throw new CliError(
      'usage',
      'who signs? Give --keystore FILE, or --network FOLDER with or without --as NAME',
    );
  }
  const opened = openNetwork(network);
  const { dir, file } = opened;
  if (name === undefined || name === file.publisher.name) return publisherKey(opened);
  const place = [...file.nodes, ...file.devices].find((each) => each.name === name);
  if (place === undefined) throw new CliError('usage', `there is no validator or device ${name} in ${dir}`);
  return keysOf(join(dir, place.folder, 'keystore.json'), passwordFile).sign;
}

/** The signing secret that `validatorOptions` name. Throws CliError "usage", "bad-config". */
export function validatorSecretOf({ as: name, keystore, passwordFile, network }: SignerOptions): Uint8Array {
  if (keystore !== undefined) return keysOf(keystore, passwordFile).sign;
  if (name === undefined || network === undefined) {
    throw new CliError('usage', 'who signs? Give --keystore FILE, or --network FOLDER and --as NAME');
  }
  return keysOf(keystoreIn(network, name), passwordFile).sign;
}

/** Where a network keeps the keys of one of its validators. Throws CliError "usage". */
export function keystoreIn(network: string, name: string): string {
  const { dir, file } = openNetwork(network);
  const node = file.nodes.find((each) => each.name === name);
  if (node !== undefined) return join(dir, node.folder, 'keystore.json');
  throw new CliError('usage', `there is no validator ${name} in ${dir}`);
}

/** What a keystore holds. Throws CliError "bad-config" without a signing key. */
export function keysOf(keystore: string, passwordFile = join(dirname(keystore), 'password')) {
  const { sign, vrf } = readKeystore(keystore, passwordFile);
  if (sign === undefined) throw new CliError('bad-config', `${keystore} holds no signing key`);
  return { sign, vrf };
}
