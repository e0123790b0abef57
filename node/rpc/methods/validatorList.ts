import { z } from 'zod';
import { eraOf, type RingSeat, ringAt, ringCell } from '../../../consensus/index.js';
import {
  approvalsNeeded,
  approvalsOf,
  type Change,
  openProposalsOf,
  paramsCell,
  type Validator,
  validatorPointsCell,
  validatorsOf,
} from '../../../contracts/index.js';
import { bytesToHex, equalBytes } from '../../../crypto/index.js';
import { count, height, hex32, ordinal, roleForm } from '../schemas.js';
import { stateOf } from './find.js';
import { defineMethod } from './method.js';

/** `held`, `weightless` (by evidence), `lost`: takes effect on the ring of the era after next. */
export const seatForm = z.enum(['held', 'weightless', 'lost']);

const actionForm = z.enum([
  'add',
  'remove',
  'replace',
  'admit',
  'suspend',
  'reinstate',
  'recover',
  'levels',
  'leak',
]);

const weight = count.nullable();

export const validatorList = defineMethod({
  summary: 'Every validator there ever was, its seat and weight, and the changes that wait for approvals.',
  ofHead: true,
  params: z.strictObject({}),
  result: z.object({
    height,
    /** The era of the head. */
    era: count,
    eraHeights: ordinal,
    validators: z.array(
      z.object({
        publicKey: hex32,
        vrfPublicKey: hex32,
        name: z.string(),
        hospital: z.string(),
        seat: seatForm,
        points: count,
        /** On the ring of this era and of the next one; null: not on it. */
        weight,
        nextWeight: weight,
      }),
    ),
    /** How many approvals a change takes. */
    approvalsNeeded: ordinal,
    proposals: z.array(
      z.object({
        proposal: ordinal,
        action: actionForm,
        /** The validator or account that it is about; of levels, the first one. */
        publicKey: hex32,
        /** Of who comes in; null: the change is about somebody who is there. */
        candidate: z
          .object({
            vrfPublicKey: hex32.nullable(),
            name: z.string(),
            hospital: z.string(),
            role: roleForm,
            level: count,
            area: z.string(),
          })
          .nullable(),
        /** The key that it shall have from then on, where it gets another one. */
        newPublicKey: hex32.nullable(),
        /** Levels that shall be set. */
        levels: z.array(z.object({ account: hex32, level: count })),
        /** Of a report: the task that leaked, and the SHA-256 of what the publisher shows. */
        leak: z.object({ task: ordinal, evidence: hex32 }).nullable(),
        /** A validator; of a leak the publisher that reports it. */
        proposer: hex32,
        /** Of validators that have a seat: only these count. */
        approvals: z.array(hex32),
        rejections: z.array(hex32),
        /** Block time in ms. */
        expiresAt: count,
      }),
    ),
  }),
  run: ({ context }) => {
    const state = stateOf(context);
    const { height: head } = context.head();
    const { eraHeights, validatorReputation } = paramsCell.get(state)!;
    const era = eraOf(head, eraHeights);
    const rings = [ringAt(state, head, eraHeights), ringCell.get(state, era + 1)!] as const;
    return {
      height: head,
      era,
      eraHeights,
      validators: validatorsOf(state).map((validator) => {
        const id = bytesToHex(validator.publicKey);
        const points = validatorPointsCell.get(state, id) ?? validatorReputation.start;
        return { ...formOf(validator), points, ...weightsOf(rings, validator.publicKey) };
      }),
      approvalsNeeded: approvalsNeeded(state),
      proposals: openProposalsOf(state).map((proposal) => {
        const { id, change, proposer, rejections, expiresAt } = proposal;
        return {
          proposal: id,
          ...changeForm(change),
          proposer: bytesToHex(proposer),
          approvals: approvalsOf(state, proposal).map(bytesToHex),
          rejections: rejections.map(bytesToHex),
          expiresAt,
        };
      }),
    };
  },
});

function changeForm(change: Change) {
  const none = { candidate: null, newPublicKey: null, levels: [], leak: null };
  switch (change.kind) {
    case 'join': {
      const { candidate, publicKey } = change;
      const vrfPublicKey = bytesToHex(candidate.vrfPublicKey);
      const full = { ...candidate, vrfPublicKey, role: 'validator' as const, level: 0, area: '' };
      return { ...none, action: 'add' as const, publicKey: bytesToHex(publicKey), candidate: full };
    }
    case 'leave':
      return { ...none, action: 'remove' as const, publicKey: bytesToHex(change.publicKey) };
    case 'replace': {
      const newPublicKey = bytesToHex(change.publicKey);
      return { ...none, action: 'replace' as const, publicKey: bytesToHex(change.validator), newPublicKey };
    }
    case 'admit': {
      const full = { ...change.candidate, vrfPublicKey: null };
      return { ...none, action: 'admit' as const, publicKey: bytesToHex(change.publicKey), candidate: full };
    }
    case 'levels': {
      const named = change.entries.map(({ account, level }) => ({ account: bytesToHex(account), level }));
      return { ...none, action: 'levels' as const, publicKey: named[0]!.account, levels: named };
    }
    case 'leak': {
      const leak = { task: change.task, evidence: bytesToHex(change.evidence) };
      return { ...none, action: 'leak' as const, publicKey: bytesToHex(change.account), leak };
    }
    case 'recover': {
      const newPublicKey = bytesToHex(change.publicKey);
      return { ...none, action: 'recover' as const, publicKey: bytesToHex(change.account), newPublicKey };
    }
    default:
      return { ...none, action: change.kind, publicKey: bytesToHex(change.account) };
  }
}

function formOf({ publicKey, seat, account }: Validator) {
  const { name, hospital, vrfPublicKey } = account;
  return { publicKey: bytesToHex(publicKey), vrfPublicKey: bytesToHex(vrfPublicKey!), name, hospital, seat };
}

function weightsOf([now, next]: readonly [readonly RingSeat[], readonly RingSeat[]], publicKey: Uint8Array) {
  const on = (ring: readonly RingSeat[]) =>
    ring.find((seat) => equalBytes(seat.publicKey, publicKey))?.weight ?? null;
  return { weight: on(now), nextWeight: on(next) };
}
