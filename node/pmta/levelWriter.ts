import { eraOf } from '../../consensus/index.js';
import { LEVELS_EACH_MAX } from '../../contracts/index.js';
import { bytesToHex, hexToBytes, publicKeyOf } from '../../crypto/index.js';
import { parseGenesis } from '../../genesis/index.js';
import { type Client, createWallet, listAccounts, type ResultOf, RpcError } from '../rpc/index.js';

/** How long one transaction may wait for its block. */
const WAIT_MS = 30_000;

export interface Wanted {
  readonly provider: string;
  readonly level: number;
}

type Account = ResultOf<'account.list'>['accounts'][number];

/** What shall be written, checked against the chain before anything is. */
export interface Plan {
  readonly hospital: string;
  /** Already at its level. */
  readonly done: number;
  readonly moves: readonly { readonly account: string; readonly provider: string; readonly level: number }[];
  /** Providers that get nearer now, and to their level in later eras: an era has a bound. */
  readonly later: readonly string[];
  /** The first height of the next era; null where nothing is left to it. */
  readonly nextEra: number | null;
}

export type PlanFault =
  | { readonly reason: 'no-hospital' }
  | {
      readonly reason: 'no-account' | 'wrong-role';
      readonly hospital: string;
      readonly providers: readonly string[];
    }
  | { readonly reason: 'level-too-high'; readonly highest: number };

/**
 * Which accounts of the signer's hospital have to move, and how far they may in this era. Reads only.
 * Accounts are those of role provider or device with the providers' names. Throws RpcError.
 */
export async function planLevels(
  client: Client,
  secret: Uint8Array,
  wanted: readonly Wanted[],
): Promise<{ readonly ok: true; readonly plan: Plan } | { readonly ok: false; readonly fault: PlanFault }> {
  const { hospital } = await client.call('account.get', { publicKey: bytesToHex(publicKeyOf(secret)) });
  if (hospital === '') return { ok: false, fault: { reason: 'no-hospital' } };
  const parsed = parseGenesis((await client.call('chain.genesis', {})).genesis);
  if (!parsed.ok) throw new RpcError('bad-answer', 'the node’s genesis does not parse');
  const { eraHeights, levels } = parsed.genesis.params;
  if (wanted.some(({ level }) => level > levels.highest))
    return { ok: false, fault: { reason: 'level-too-high', highest: levels.highest } };
  const accounts = new Map((await listAccounts(client, hospital)).map((account) => [account.name, account]));
  const missing = wanted.filter(({ provider }) => !accounts.has(provider));
  const unfit = (reason: 'no-account' | 'wrong-role', of: readonly Wanted[]) => {
    const providers = of.map(({ provider }) => provider);
    return { ok: false, fault: { reason, hospital, providers } } as const;
  };
  if (missing.length > 0) return unfit('no-account', missing);
  const others = wanted.filter(({ provider }) => !isMember(accounts.get(provider)!));
  if (others.length > 0) return unfit('wrong-role', others);
  const era = eraOf((await client.call('chain.status', {})).height + 1, eraHeights);
  const moves: { account: string; provider: string; level: number }[] = [];
  const later: string[] = [];
  for (const { provider, level } of wanted) {
    const found = accounts.get(provider)!;
    if (found.level === level) continue;
    const base = await baseOf(client, found, era, eraHeights);
    const reached = Math.min(Math.max(level, base - levels.perEra), base + levels.perEra);
    if (reached !== level) later.push(provider);
    if (reached !== found.level) moves.push({ account: found.account, provider, level: reached });
  }
  const done = wanted.filter(({ provider, level }) => accounts.get(provider)!.level === level).length;
  const nextEra = later.length === 0 ? null : (era + 1) * eraHeights;
  return { ok: true, plan: { hospital, done, moves, later, nextEra } };
}

const isMember = ({ role }: Account): boolean => role === 'provider' || role === 'device';

/** The level with which the account began this era. */
async function baseOf(
  client: Client,
  { account, level }: Account,
  era: number,
  eraHeights: number,
): Promise<number> {
  const { changes } = await client.call('account.levels', { publicKey: account });
  return changes.find(({ height }) => eraOf(height, eraHeights) === era)?.from ?? level;
}

/** What became of one transaction. */
export interface Written {
  readonly transaction: string;
  readonly accounts: number;
  readonly height: number;
  readonly ok: boolean;
  /** The contract's reason where it refused. */
  readonly refusal: string | null;
}

/**
 * Sends the plan, so many accounts a transaction, and waits for each receipt before the next. A refused one moves nobody,
 * and ends the writing. Throws RpcError ("timed-out" where no block takes it in time); what was sent stays, and a plan
 * made anew passes over it.
 */
export async function writeLevels(
  client: Client,
  secret: Uint8Array,
  { moves }: Plan,
  onWritten: (written: Written) => void,
): Promise<readonly Written[]> {
  const { chainId } = await client.call('chain.status', {});
  const wallet = createWallet({ client, chainId: hexToBytes(chainId), secret });
  const all: Written[] = [];
  for (let first = 0; first < moves.length; first += LEVELS_EACH_MAX) {
    const part = moves.slice(first, first + LEVELS_EACH_MAX);
    const entries = part.map(({ account, level }) => ({ account: hexToBytes(account), level }));
    const transaction = await wallet.send({ contract: 'levels', method: 'set', args: { entries } });
    const receipt = await wallet.wait(transaction, WAIT_MS);
    const refusal = receipt.ok ? null : `${receipt.code}: ${receipt.detail}`;
    const written = { transaction, accounts: part.length, height: receipt.height, ok: receipt.ok, refusal };
    all.push(written);
    onWritten(written);
    if (!receipt.ok) break;
  }
  return all;
}
