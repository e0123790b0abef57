import { hexToBytes } from '../../crypto/index.js';
import { type Client, createWallet, type ResultOf, type WalletCall } from '../rpc/index.js';
import { CliError } from './failure.js';

/** How long a command waits for a block: a network that has just started, or waits for a member, may take a minute. */
export const BLOCK_WAIT_MS = 120_000;

type Committed = Extract<ResultOf<'tx.get'>, { readonly status: 'committed' }>;

/**
 * Signs a call, sends it, waits for its block. Throws RpcError; CliError "refused" if the contract refuses,
 * "timed-out" if no block takes it in time.
 */
export async function sendCall(
  client: Client,
  secret: Uint8Array,
  call: WalletCall,
): Promise<{ readonly transaction: string; readonly height: number; readonly events: Committed['events'] }> {
  const wallet = createWallet({ client, chainId: await chainIdOf(client), secret });
  const transaction = await wallet.send(call);
  const done = await wallet.wait(transaction, BLOCK_WAIT_MS);
  if (!done.ok) {
    const name = `${call.contract}.${call.method}`;
    throw new CliError('refused', `${name} was refused (${done.code}): ${done.detail}`);
  }
  return { transaction, height: done.height, events: done.events };
}

export async function chainIdOf(client: Client): Promise<Uint8Array> {
  return hexToBytes((await client.call('chain.status', {})).chainId);
}
