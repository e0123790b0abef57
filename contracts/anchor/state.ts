import { bytes, cell, type Infer, integer, record, text } from '../../chain/index.js';

export const MEMO_BYTES_MAX = 128;

/** The newest anchor of an account: what it fixed, in which words, at which height, and how many it has set. */
export const anchoredCodec = record({
  digest: bytes(32),
  memo: text(MEMO_BYTES_MAX),
  height: integer(1, Number.MAX_SAFE_INTEGER),
  count: integer(1, Number.MAX_SAFE_INTEGER),
});
export type Anchored = Infer<typeof anchoredCodec>;

/** By hex public key. One entry an account, so that anchoring never makes the state grow. */
export const anchoredCell = cell('anchor/last', anchoredCodec);
