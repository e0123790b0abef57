import { equalBytes, SHA256_BYTES, sha256 } from '../../crypto/index.js';

/** The format before this one: a repair can still read its blocks. */
export const FORMER_FORMAT = 2;

/**
 * Block and certificate of a height as format 2 kept them: each under a key of its own, the certificate behind its
 * SHA-256. Null: one of them is not there, or the certificate was altered.
 */
export function formerBlockBytes(
  get: (name: string) => Uint8Array | null,
  height: number,
): { readonly block: Uint8Array; readonly certificate: Uint8Array } | null {
  const digits = height.toString().padStart(16, '0');
  const block = get(`block/${digits}`);
  const sealed = get(`certificate/${digits}`);
  if (block === null || sealed === null) return null;
  const certificate = sealed.subarray(SHA256_BYTES);
  return equalBytes(sha256(certificate), sealed.subarray(0, SHA256_BYTES)) ? { block, certificate } : null;
}
