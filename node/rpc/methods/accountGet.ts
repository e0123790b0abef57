import { z } from 'zod';
import { nonceCell, type StateReader } from '../../../chain/index.js';
import {
  type Account,
  accountOf,
  paramsCell,
  seatOf,
  standingOf,
  validatorPointsCell,
} from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { RpcError } from '../errors.js';
import { bytes32, count, hex32 } from '../schemas.js';
import { stateOf } from './find.js';
import { defineMethod } from './method.js';
import { seatForm } from './validatorList.js';

export const accountGet = defineMethod({
  summary: 'An account: its role, its nonces, its reputation.',
  params: z.strictObject({ publicKey: bytes32 }),
  result: z.object({
    publicKey: hex32,
    /** The nonce of its next transaction in a block. */
    nonce: count,
    /** The nonce for a transaction that is signed now: waiting ones are counted, where the node tells. */
    nextNonce: count,
    role: z.enum(['validator', 'device', 'publisher']),
    name: z.string(),
    hospital: z.string(),
    level: count,
    /** A validator's, in identity: the rings follow at the era after next. Null: no validator. */
    seat: seatForm.nullable(),
    /** Null: this role has none. */
    reputation: z.object({ points: count, blacklisted: z.boolean() }).nullable(),
  }),
  run: ({ context }, { publicKey }) => {
    const state = stateOf(context);
    const id = bytesToHex(publicKey);
    const account = accountOf(state, publicKey);
    if (account === null) throw new RpcError('not-found', `${id} has no account on this chain`);
    const { role, name, hospital, level } = account;
    const nonce = nonceCell.get(state, id) ?? 0;
    const nextNonce = Math.max(nonce, context.nextNonce?.(publicKey) ?? nonce);
    return {
      publicKey: id,
      nonce,
      nextNonce,
      role,
      name,
      hospital,
      level,
      seat: seatOf(state, publicKey),
      reputation: reputationOf(state, id, role),
    };
  },
});

function reputationOf(state: StateReader, id: string, role: Account['role']) {
  switch (role) {
    case 'device':
      return standingOf(state, id);
    case 'validator': {
      const points = validatorPointsCell.get(state, id) ?? paramsCell.get(state)!.validatorReputation.start;
      return { points, blacklisted: false };
    }
    case 'publisher':
      return null;
    default:
      return role satisfies never;
  }
}
