import { beginExecution, type TransactionInvalid } from '../../chain/index.js';
import { newestProtocol, protocols, signPossession } from '../../contracts/index.js';
import { sha256, utf8ToBytes } from '../../crypto/index.js';
import type { Call, TestChain } from './chain.js';
import type { Person } from './genesis.js';

const call = (from: Person, contract: string, method: string, args: unknown): Call => ({
  from,
  contract,
  method,
  args,
});

/** A key's holder signs that it shall stand for this account of this hospital. */
export const possessionOf = (test: TestChain, holder: Person, account: Uint8Array, hospital: string) =>
  signPossession(test.chain.chainId, { account, hospital, publicKey: holder.publicKey }, holder.secret);

/** The validator `by` admits `who`, of its own hospital, as a device of level 1 unless told otherwise. */
export function admitCall(test: TestChain, by: Person, who: Person, change: object = {}): Call {
  const args = {
    publicKey: who.publicKey,
    role: 'device',
    name: who.name,
    hospital: by.name,
    level: 1,
    area: '',
    ...change,
  };
  const possession = possessionOf(test, who, args.publicKey, args.hospital);
  return call(by, 'identity', 'admit', { possession, ...args });
}

export const suspendCall = (by: Person, account: Uint8Array) => call(by, 'identity', 'suspend', { account });
export const reinstateCall = (by: Person, account: Uint8Array) =>
  call(by, 'identity', 'reinstate', { account });
export const voteCall = (by: Person, method: 'approve' | 'reject', proposal: number) =>
  call(by, 'identity', method, { proposal });

export function recoverCall(
  test: TestChain,
  by: Person,
  account: Uint8Array,
  next: Person,
  hospital = by.name,
): Call {
  const { publicKey } = next;
  const possession = possessionOf(test, next, account, hospital);
  return call(by, 'identity', 'recover', { account, publicKey, possession });
}

/** `from` signs with the key that it has; `account` is its id. */
export function rotateCall(
  test: TestChain,
  from: Person,
  next: Person,
  hospital: string,
  account = from.publicKey,
): Call {
  const possession = possessionOf(test, next, account, hospital);
  return call(from, 'identity', 'rotate', { publicKey: next.publicKey, possession });
}

export const setLevelsCall = (by: Person, ...entries: { account: Uint8Array; level: number }[]): Call =>
  call(by, 'levels', 'set', { entries });

export const reportCall = (from: Person, account: Uint8Array, task = 1): Call =>
  call(from, 'levels', 'report', { task, account, evidence: sha256(utf8ToBytes('what was found')) });

/** What anybody may send at any time. */
export const anchorCall = (from: Person, text = 'x'): Call =>
  call(from, 'anchor', 'put', { digest: sha256(utf8ToBytes(text)), memo: '' });

/** Why the next block can't hold this call; null: it can. `ahead`: with so many nonces left out. */
export function barOf(test: TestChain, made: Call, ahead = 0): TransactionInvalid | null {
  const { block } = test.build([]);
  const { height, time, leader } = block.header;
  const context = {
    chainId: test.chain.chainId,
    protocol: newestProtocol,
    height,
    time,
    leader,
    parent: { height: test.tip.height, time: test.tip.time, leader: test.tip.leader, committee: [] },
    participants: [],
    closings: test.closings(),
  };
  const execution = beginExecution(
    protocols.get(newestProtocol)!,
    test.tip.state,
    context,
    made.level ?? 0,
    test.payloadOf,
  );
  const taken = execution.take(test.sign(made, ahead));
  return taken.ok ? null : taken.reason;
}
