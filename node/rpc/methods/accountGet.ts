import { z } from 'zod';
import { nonceCell, type StateReader } from '../../../chain/index.js';
import {
  accountCell,
  balanceOf,
  levelRecordCell,
  paramsCell,
  type Role,
  seatOf,
  standingOf,
  validatorPointsCell,
} from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { accountStatus, bytes32, count, height, hex32, ordinal, roleForm } from '../schemas.js';
import { accountAt, stateOf } from './find.js';
import { defineMethod } from './method.js';
import { seatForm } from './validatorList.js';

export const accountGet = defineMethod({
  summary: 'An account, by its id or any of its keys: role, level, status, nonces, reputation.',
  params: z.strictObject({ publicKey: bytes32 }),
  result: z.object({
    /** Its id: the first key that it had. Other contracts name it so. */
    account: hex32,
    /** The key that signs for it now. */
    publicKey: hex32,
    /** The nonce of its next transaction in a block. */
    nonce: count,
    /** The nonce for a transaction that is signed now: waiting ones are counted, where the node tells. */
    nextNonce: count,
    role: roleForm,
    name: z.string(),
    hospital: z.string(),
    level: count,
    area: z.string(),
    status: accountStatus,
    /** Tokens. */
    balance: count,
    /** Keys that it has had. */
    keys: ordinal,
    /** Height of the block that changed it last; the event there names the change before (0: genesis). */
    changedHeight: height,
    /** What proof.state proves of it: the account, and how its level has moved (absent: never). */
    stateKeys: z.object({ account: z.string(), levels: z.string() }),
    /** A validator's, in identity: the rings follow at the era after next. Null: no validator. */
    seat: seatForm.nullable(),
    /** Null: this role has none. */
    reputation: z.object({ points: count, blacklisted: z.boolean() }).nullable(),
  }),
  run: ({ context }, { publicKey: key }) => {
    const state = stateOf(context);
    const { id: idBytes, account } = accountAt(state, key);
    const id = bytesToHex(idBytes);
    const { publicKey, role, name, hospital, level, area, status, keys, changedHeight } = account;
    const nonce = nonceCell.get(state, bytesToHex(publicKey)) ?? 0;
    const nextNonce = Math.max(nonce, context.nextNonce?.(publicKey) ?? nonce);
    return {
      account: id,
      publicKey: bytesToHex(publicKey),
      nonce,
      nextNonce,
      role,
      name,
      hospital,
      balance: balanceOf(state, idBytes),
      level,
      area,
      status,
      keys,
      changedHeight,
      stateKeys: { account: accountCell.key(id), levels: levelRecordCell.key(id) },
      seat: seatOf(state, idBytes),
      reputation: reputationOf(state, id, role),
    };
  },
});

function reputationOf(state: StateReader, id: string, role: Role) {
  switch (role) {
    case 'device':
      return standingOf(state, id);
    case 'validator': {
      const points = validatorPointsCell.get(state, id) ?? paramsCell.get(state)!.validatorReputation.start;
      return { points, blacklisted: false };
    }
    case 'provider':
    case 'publisher':
      return null;
    default:
      return role satisfies never;
  }
}
