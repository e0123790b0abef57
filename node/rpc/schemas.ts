import { z } from 'zod';
import { DecodeError, decodeTransaction, limits, type Transaction } from '../../chain/index.js';
import { hexToBytes } from '../../crypto/index.js';
import { RpcError } from './errors.js';
import { base64Length, base64ToBytes } from './json.js';
import { rpcLimits } from './limits.js';

/*
 * The words that parameters and results are made of. A parameter's schema checks the JSON form and hands the
 * method bytes; a result's schema is the JSON form itself.
 */

const HEX_32 = /^[0-9a-f]{64}$/;

/** A hash, key or id in an answer. */
export const hex32 = z.string().regex(HEX_32, 'not 64 lower-case hex digits');
/** A hash, key or id as a parameter: the method gets 32 bytes. */
export const bytes32 = hex32.transform((text) => hexToBytes(text));
export const hexText = z.string().regex(/^(?:[0-9a-f]{2})*$/, 'not lower-case hex');

export const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
/** Task ids and rounds begin at 1. */
export const ordinal = count.min(1);
export const height = count;
export const roleForm = z.enum(['validator', 'device', 'provider', 'publisher']);
export const accountStatus = z.enum(['active', 'suspended']);
/** Unsigned 64-bit integer as a decimal text. */
export const u64 = z.string().regex(/^(0|[1-9]\d{0,19})$/, 'not a decimal number');
export const base64 = z.string().meta({ contentEncoding: 'base64' });
export const waitMs = z.number().int().min(0).max(rpcLimits.waitMsMax).default(0);

/** Bytes as base64 parameter, at most `bytesMax` of them: the method gets the bytes. */
export function base64Bytes(bytesMax: number) {
  return base64.max(base64Length(bytesMax)).transform((text, check) => {
    const bytes = base64ToBytes(text);
    if (bytes !== null) return bytes;
    check.addIssue({ code: 'custom', message: 'not base64 with padding' });
    return z.NEVER;
  });
}

/**
 * An encoded transaction as base64 parameter: the method gets it decoded, not verified. One that is too large
 * has an error of its own: RpcError 'oversize'.
 */
export const transactionParam = base64Bytes(limits.payloadBytesMax).transform((raw, check): Transaction => {
  if (raw.length > limits.transactionBytesMax) {
    throw new RpcError('oversize', `a transaction has at most ${limits.transactionBytesMax} bytes`);
  }
  try {
    return decodeTransaction(raw);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    check.addIssue({ code: 'custom', message: `not a transaction: ${error.message}` });
    return z.NEVER;
  }
});

export const payloadRef = z.object({ id: hex32, size: count });

/** Fields of an event or a refusal, whatever the contract put there (json.ts). */
export const event = z.object({
  contract: z.string(),
  kind: z.string(),
  fields: z.record(z.string(), z.unknown()),
});
