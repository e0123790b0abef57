import type { Client } from './client.js';
import type { ResultOf } from './methods/index.js';

const PAGE = 1_000;

/** All accounts of a hospital ('': of none), a page at a time. Throws RpcError. */
export async function listAccounts(
  client: Client,
  hospital: string,
): Promise<ResultOf<'account.list'>['accounts']> {
  const all: ResultOf<'account.list'>['accounts'] = [];
  let from: string | null = null;
  do {
    const page: ResultOf<'account.list'> = await client.call('account.list', { hospital, from, limit: PAGE });
    all.push(...page.accounts);
    from = page.next;
  } while (from !== null);
  return all;
}
