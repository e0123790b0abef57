import { type PlanFault, type PmtaResult, planLevels, type Written, writeLevels } from '../../pmta/index.js';
import { CliError } from '../failure.js';
import type { Io } from '../io.js';
import { type SignerOptions, validatorSecretOf } from '../signer.js';
import { nodesOf } from './nodeOptions.js';

export interface LevelsWritten {
  /** Providers that had their level before. */
  readonly before: number;
  readonly set: number;
  /** Providers that an era's bound keeps from their level until `nextEra`, a height. */
  readonly later: number;
  readonly nextEra: number | null;
  readonly transactions: readonly Written[];
  readonly refusal: string | null;
}

const NAMED_MAX = 5;

/** Sets the levels on chain, with a node that answers, or says why not before the first is set. */
export async function sendLevels(
  { areas }: PmtaResult,
  options: SignerOptions,
  io: Io,
): Promise<LevelsWritten> {
  const secret = validatorSecretOf(options);
  const wanted = areas.flatMap(({ providers }) =>
    providers.map(({ name, level }) => ({ provider: name, level })),
  );
  return nodesOf(options).use(async (client) => {
    const planned = await planLevels(client, secret, wanted);
    if (!planned.ok) throw refusal(planned.fault);
    const { plan } = planned;
    io.note(`${plan.hospital}: ${plan.done} of ${wanted.length} have their level, ${plan.moves.length} move`);
    const transactions = await writeLevels(client, secret, plan, ({ accounts, height, ok }) =>
      io.note(`${accounts} levels ${ok ? 'set' : 'refused'} in block ${height}`),
    );
    const set = transactions.reduce((sum, { ok, accounts }) => sum + (ok ? accounts : 0), 0);
    const refused = transactions.find(({ ok }) => !ok)?.refusal ?? null;
    const { done, later, nextEra } = plan;
    return { before: done, set, later: later.length, nextEra, transactions, refusal: refused };
  });
}

/** Why a run did not set all levels, after what it did is told; null: it did. */
export function whatIsLeft({ refusal: refused, later, nextEra }: LevelsWritten): CliError | null {
  if (refused !== null) return new CliError('refused', `the chain refused levels (${refused})`);
  if (later === 0) return null;
  return new CliError(
    'incomplete',
    `${later} providers reach their level in a later era`,
    `run the same again from height ${nextEra} on`,
  );
}

function refusal(fault: PlanFault): CliError {
  switch (fault.reason) {
    case 'no-hospital':
      return new CliError('refused', 'the signer is of no hospital: levels are set with a hospital’s key');
    case 'level-too-high':
      return new CliError('refused', `the chain’s highest level is ${fault.highest}: give fewer --shares`);
    case 'no-account':
    case 'wrong-role': {
      const { hospital, providers, reason } = fault;
      const named = providers.slice(0, NAMED_MAX).join(', ');
      const more = providers.length > NAMED_MAX ? ` and ${providers.length - NAMED_MAX} more` : '';
      const [what, hint] =
        reason === 'no-account'
          ? ['has no account', `"consilium provider admit NAME" gives one; nothing was sent`]
          : [
              'is neither provider nor device',
              'publishers and validators have no such level; nothing was sent',
            ];
      return new CliError('refused', `of ${hospital} ${what}: ${named}${more}`, hint);
    }
    default:
      return fault satisfies never;
  }
}
