import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { SUPPLY_MAX } from '../../../contracts/index.js';
import { bytesToHex, hexToBytes, publicKeyOf } from '../../../crypto/index.js';
import { wholeNumber } from '../args.js';
import { commitCall } from '../commitCall.js';
import type { Io } from '../io.js';
import { accountOptions, type SignerOptions, secretOf } from '../signer.js';
import { nodesOf } from './nodeOptions.js';

const EXAMPLES = `
Examples:
  consilium account balance --network ./net
  consilium account balance 3f0a... --node http://127.0.0.1:4001
  consilium account transfer 3f0a... 100 --network ./net`;

type Options = SignerOptions & { readonly json?: boolean };

/** `consilium account balance|transfer`: tokens (docs/tasks.md). */
export function addAccount(account: Command, io: Io): void {
  account.addHelpText('after', EXAMPLES);
  accountOptions(account.command('balance').argument('[key]', 'its public key (default: the signer’s)', key))
    .description('the tokens of an account')
    .action((of: Uint8Array | undefined, _, self: Command) => balance(of, self.optsWithGlobals(), io));
  accountOptions(
    account
      .command('transfer')
      .argument('<key>', 'the public key of who gets them', key)
      .argument('<amount>', 'how many', wholeNumber(1, SUPPLY_MAX)),
  )
    .description('send tokens to another account')
    .action((to: Uint8Array, amount: number, _, self: Command) =>
      transfer(to, amount, self.optsWithGlobals(), io),
    );
}

/** A public key as hex. */
export function key(text: string): Uint8Array {
  if (/^[0-9a-f]{64}$/.test(text)) return hexToBytes(text);
  throw new InvalidArgumentError('It must be a key as 64 lower-case hex digits.');
}

async function balance(of: Uint8Array | undefined, options: Options, io: Io): Promise<void> {
  const publicKey = bytesToHex(of ?? publicKeyOf(secretOf(options)));
  const found = await nodesOf(options).use((client) => client.call('account.get', { publicKey }));
  if (options.json) io.out(JSON.stringify({ account: found.account, balance: found.balance }));
  else io.out(`${found.name} has ${found.balance} tokens.`);
}

async function transfer(to: Uint8Array, amount: number, options: Options, io: Io): Promise<void> {
  const secret = secretOf(options);
  const call = { contract: 'rewards', method: 'transfer', args: { to, amount } };
  const { height, hash } = await nodesOf(options).use((client) => commitCall(client, secret, call));
  if (options.json) io.out(JSON.stringify({ amount, height, transaction: hash }));
  else io.out(`${amount} tokens are sent, in block ${height}.`);
}
