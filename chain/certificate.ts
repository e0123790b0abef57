import { bytes, bytesBetween, decode, encode, type Infer, integer, list, tagged, uint } from './codec.js';
import { limits } from './limits.js';
import { PERIOD_MAX } from './vote.js';

/**
 * More than two thirds of a committee's cert votes for one block, in one period.
 *
 * `bitmap` has one bit a member in committee order, first member in the lowest bit of the first byte;
 * `signatures` follow the set bits. Stored beside the block and never part of it: every node's may differ.
 */
export const certificateCodec = tagged('consilium/certificate', 1, {
  height: uint,
  period: integer(0, PERIOD_MAX),
  hash: bytes(32),
  bitmap: bytesBetween(1, Math.ceil(limits.membersMax / 8)),
  signatures: list(bytes(64), limits.membersMax),
});
export type Certificate = Omit<Infer<typeof certificateCodec>, 'chainId'>;

export const CERTIFICATE_BYTES_MAX = 256 + Math.ceil(limits.membersMax / 8) + 70 * limits.membersMax;

export function encodeCertificate(chainId: Uint8Array, certificate: Certificate): Uint8Array {
  const { height, period, hash, bitmap, signatures } = certificate;
  return encode(certificateCodec, { chainId, height, period, hash, bitmap, signatures });
}

/** Throws DecodeError. Nothing is verified here. */
export function decodeCertificate(raw: Uint8Array): Certificate & { readonly chainId: Uint8Array } {
  return decode(certificateCodec, raw, CERTIFICATE_BYTES_MAX);
}
