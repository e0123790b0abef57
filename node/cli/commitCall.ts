import { hexToBytes } from '../../crypto/index.js';
import { type Client, type Committed, createWallet, type WalletCall } from '../rpc/index.js';
import { CliError } from './failure.js';

/** How long a command waits for a block: a network that has just started, or waits for a member, may take a minute. */
export const BLOCK_WAIT_MS = 120_000;

/**
 * Signs a call, sends it, waits for its block. Throws RpcError; CliError "refused" if the contract refuses,
 * "timed-out" if no block takes it in time.
 */
export async function commitCall(
  client: Client,
  secret: Uint8Array,
  call: WalletCall,
): Promise<Committed & { readonly hash: string }> {
  const wallet = createWallet({ client, chainId: await chainIdOf(client), secret });
  const hash = await wallet.send(call);
  const done = await wallet.wait(hash, BLOCK_WAIT_MS);
  if (!done.ok) {
    const name = `${call.contract}.${call.method}`;
    throw new CliError('refused', `${name} was refused (${done.code}): ${done.detail}`);
  }
  return { ...done, hash };
}

/** The fields of all events of a committed call, later ones over earlier ones, and the kinds in their order. */
export function eventsOf({ events }: Committed) {
  const fields = Object.assign({}, ...events.map((event) => event.fields)) as Record<string, unknown>;
  return { fields, kinds: events.map(({ kind }) => kind) };
}

export async function chainIdOf(client: Client): Promise<Uint8Array> {
  return hexToBytes((await client.call('chain.status', {})).chainId);
}
