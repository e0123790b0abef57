import { z } from 'zod';
import { eraOf, type RingSeat, ringAt, ringCell } from '../../../consensus/index.js';
import {
  approvalsNeeded,
  approvalsOf,
  openProposalsOf,
  paramsCell,
  type Validator,
  validatorPointsCell,
  validatorsOf,
} from '../../../contracts/index.js';
import { bytesToHex, equalBytes } from '../../../crypto/index.js';
import { count, height, hex32, ordinal } from '../schemas.js';
import { stateOf } from './find.js';
import { defineMethod } from './method.js';

/** `held`, `weightless` (by evidence), `lost`: takes effect on the ring of the era after next. */
export const seatForm = z.enum(['held', 'weightless', 'lost']);

const weight = count.nullable();

export const validatorList = defineMethod({
  summary: 'Every validator there ever was, its seat and weight, and the changes that wait for approvals.',
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
        action: z.enum(['add', 'remove']),
        publicKey: hex32,
        /** Of who joins; null: it leaves. */
        candidate: z.object({ vrfPublicKey: hex32, name: z.string(), hospital: z.string() }).nullable(),
        proposer: hex32,
        /** Of validators that have a seat: only these count. */
        approvals: z.array(hex32),
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
        const { id, publicKey, candidate, proposer, expiresAt } = proposal;
        return {
          proposal: id,
          action: candidate === null ? ('remove' as const) : ('add' as const),
          publicKey: bytesToHex(publicKey),
          candidate:
            candidate === null ? null : { ...candidate, vrfPublicKey: bytesToHex(candidate.vrfPublicKey) },
          proposer: bytesToHex(proposer),
          approvals: approvalsOf(state, proposal).map(bytesToHex),
          expiresAt,
        };
      }),
    };
  },
});

function formOf({ publicKey, seat, account }: Validator) {
  const { name, hospital, vrfPublicKey } = account;
  return { publicKey: bytesToHex(publicKey), vrfPublicKey: bytesToHex(vrfPublicKey!), name, hospital, seat };
}

function weightsOf([now, next]: readonly [readonly RingSeat[], readonly RingSeat[]], publicKey: Uint8Array) {
  const on = (ring: readonly RingSeat[]) =>
    ring.find((seat) => equalBytes(seat.publicKey, publicKey))?.weight ?? null;
  return { weight: on(now), nextWeight: on(next) };
}
