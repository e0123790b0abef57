import {
  type Budget,
  budgetKeys,
  budgetOf,
  type ProvedBlock,
  roundKey,
  roundOf,
  updateIn,
  verdictOf,
} from '../../audit/light/index.js';
import { anyNode, decode, limits } from '../../chain/index.js';
import type { ClosedRound } from '../../contracts/index.js';
import { bytesToHex } from '../../crypto/index.js';
import { epsilonMicroOfLedger } from '../../fl/index.js';
import { RpcError } from '../rpc/errors.js';
import { type Json, jsonOf } from '../rpc/json.js';
import type { LightClient } from './client.js';
import type { LightSession } from './session.js';

/** The block by which something was proved. `time` in milliseconds since 1970. */
export interface ByBlock {
  readonly height: number;
  readonly hash: string;
  readonly time: number;
}

type Verdict = ReturnType<typeof verdictForm>;

/** What was proved, in JSON form: bytes are hex, 64-bit integers decimal texts. */
export type LightFinding =
  | {
      readonly kind: 'transaction';
      readonly hash: string;
      readonly in: ByBlock;
      readonly from: string;
      readonly nonce: number;
      readonly contract: string;
      readonly method: string;
      readonly args: Json;
      /** False: the contract refused it. */
      readonly ok: boolean;
      readonly code: string | null;
      readonly detail: string | null;
      readonly events: readonly { readonly contract: string; readonly kind: string; readonly fields: Json }[];
      /** For an update. `verdict` null: the round is open, or counted no update of this device. */
      readonly update: {
        readonly task: number;
        readonly round: number;
        readonly closed: boolean;
        readonly verdict: Verdict | null;
        readonly by: ByBlock;
      } | null;
    }
  | {
      readonly kind: 'budget';
      readonly device: string;
      readonly by: ByBlock;
      /** Datasets that the device ever declared; `complete`: all of them are listed. */
      readonly declared: number;
      readonly complete: boolean;
      readonly ledgers: readonly LedgerForm[];
    }
  | {
      readonly kind: 'model';
      readonly task: number;
      readonly round: number;
      readonly by: ByBlock;
      /** Null: the round has not ended. */
      readonly closed: {
        readonly status: 'closed' | 'searched' | 'failed';
        readonly closedHeight: number;
        readonly model: { readonly id: string; readonly size: number };
        readonly verdicts: readonly Verdict[];
      } | null;
    }
  | {
      readonly kind: 'key';
      readonly key: string;
      readonly by: ByBlock;
      /** Null: the state has no such key. `value`: what the bytes (hex) mean. */
      readonly entry: { readonly bytes: string; readonly value: Json } | null;
    };

export interface LedgerForm {
  readonly dataset: string;
  readonly unit: string;
  readonly epsilonMicro: number;
  readonly epsilonSpentMicro: number;
  readonly deltaPico: number;
  readonly order: number | null;
  readonly rhoCap: string;
  readonly rhoSpent: string;
  readonly charges: number;
}

/** Is it in a block, what became of it, and, for an update, what was its verdict? */
export async function findTransaction(session: LightSession, id: Uint8Array): Promise<LightFinding> {
  const { transaction, hash, receipt, block } = await session.transaction(id);
  const wanted = updateIn(transaction);
  let update: Extract<LightFinding, { kind: 'transaction' }>['update'] = null;
  if (wanted !== null && receipt.ok) {
    const { state, block: at } = await session.state([roundKey(wanted.task, wanted.round)]);
    const closed = roundOf(state, wanted.task, wanted.round);
    const verdict = closed === null ? null : verdictOf(closed, transaction.from);
    update = {
      ...wanted,
      closed: closed !== null,
      verdict: verdict === null ? null : verdictForm(verdict),
      by: byOf(at),
    };
  }
  return {
    kind: 'transaction',
    hash: bytesToHex(hash),
    in: byOf(block),
    from: bytesToHex(transaction.from),
    nonce: transaction.nonce,
    contract: transaction.contract,
    method: transaction.method,
    args: jsonOf(transaction.args),
    ok: receipt.ok,
    code: receipt.code,
    detail: receipt.detail,
    events: receipt.events.map(({ contract, kind, fields }) => ({ contract, kind, fields: jsonOf(fields) })),
    update,
  };
}

/** What a device (32 bytes) may spend and has spent. `datasets` null: those that the nodes know from tasks. */
export async function findBudget(
  session: LightSession,
  clients: readonly LightClient[],
  device: Uint8Array,
  datasets: readonly string[] | null,
): Promise<LightFinding> {
  const id = bytesToHex(device);
  const asked = datasets ?? (await datasetsOf(clients, id));
  const { state, block } = await session.state(budgetKeys(id, asked));
  const { declared, complete, ledgers } = budgetOf(state, id, asked);
  return {
    kind: 'budget',
    device: id,
    by: byOf(block),
    declared,
    complete,
    ledgers: ledgers.map(ledgerForm),
  };
}

/** Which model a round ended with, and its verdicts. */
export async function findModel(session: LightSession, task: number, round: number): Promise<LightFinding> {
  const { state, block } = await session.state([roundKey(task, round)]);
  const found = roundOf(state, task, round);
  const closed = found && {
    status: found.status,
    closedHeight: found.closedHeight,
    model: { id: bytesToHex(found.weights.id), size: found.weights.size },
    verdicts: found.verdicts.map(verdictForm),
  };
  return { kind: 'model', task, round, by: byOf(block), closed };
}

export async function findKey(session: LightSession, key: string): Promise<LightFinding> {
  const { state, block } = await session.state([key]);
  const bytes = state.get(key);
  const entry = bytes && {
    bytes: bytesToHex(bytes),
    value: jsonOf(decode(anyNode, bytes, limits.stateValueBytesMax)),
  };
  return { kind: 'key', key, by: byOf(block), entry };
}

/** Datasets with which the device is enrolled, as nodes say. That none is left out shows when they are proved. */
async function datasetsOf(clients: readonly LightClient[], device: string): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const client of clients) {
    try {
      for (const { id } of await client.call('task.list', {})) {
        const { enrolled } = await client.call('task.get', { task: id });
        for (const entry of enrolled) if (entry.device === device) found.add(entry.dataset);
      }
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
    }
  }
  return [...found];
}

function ledgerForm({ dataset, ledger }: Budget['ledgers'][number]): LedgerForm {
  return {
    dataset,
    unit: ledger.unit,
    epsilonMicro: ledger.epsilonMicro,
    epsilonSpentMicro: epsilonMicroOfLedger(ledger),
    deltaPico: ledger.deltaPico,
    order: ledger.order,
    rhoCap: ledger.rhoCap.toString(),
    rhoSpent: ledger.rhoSpent.toString(),
    charges: ledger.charges,
  };
}

function verdictForm(verdict: ClosedRound['verdicts'][number]) {
  return { ...verdict, device: bytesToHex(verdict.device) };
}

function byOf({ header: { height, time }, hash }: ProvedBlock): ByBlock {
  return { height, hash: bytesToHex(hash), time };
}
