import { readState, type StateReader } from '../../../chain/index.js';
import {
  accountOf,
  contentTaskCell,
  type Owner,
  ownerOf,
  type Task,
  taskCell,
  taskCountCell,
} from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { parseGenesis } from '../../../genesis/index.js';
import type { RpcContext } from '../context.js';
import { RpcError } from '../errors.js';

/** The state after the head. Valid as long as it is kept: states are never changed. */
export function stateOf(context: RpcContext): StateReader {
  return readState(context.head().state);
}

/** The task, or RpcError 'not-found'. */
export function taskOf(state: StateReader, id: number): Task {
  const task = taskCell.get(state, id);
  if (task !== null) return task;
  if (contentTaskCell.get(state, id) !== null) {
    throw new RpcError('not-found', `task ${id} is a content task, without rounds: ask task.gate`);
  }
  throw new RpcError('not-found', `there is no task ${id}; ${taskCountCell.get(state) ?? 0} were published`);
}

/** The account that has or had this key, or RpcError 'not-found'. */
export function accountAt(state: StateReader, key: Uint8Array): Owner {
  const owner = ownerOf(state, key);
  if (owner !== null) return owner;
  throw new RpcError('not-found', `${bytesToHex(key)} has no account on this chain`);
}

/** A payload's bytes, or RpcError 'not-found'. */
export function payloadOf(context: RpcContext, id: Uint8Array): Uint8Array {
  const bytes = context.store.payload(id);
  if (bytes !== null) return bytes;
  throw new RpcError('not-found', `payload ${bytesToHex(id)} is not held here`);
}

/** The name of an account, by its id; every device in a task has one. */
export function nameOf(state: StateReader, account: Uint8Array): string {
  return accountOf(state, account)?.name ?? bytesToHex(account);
}

const names = new WeakMap<RpcContext, string>();

/** The name that the genesis file gives the chain. */
export function chainNameOf(context: RpcContext): string {
  const known = names.get(context);
  if (known !== undefined) return known;
  const parsed = parseGenesis(context.genesisText);
  if (!parsed.ok) throw new Error(`bug: the node runs on a genesis that does not parse: ${parsed.detail}`);
  names.set(context, parsed.genesis.name);
  return parsed.genesis.name;
}
