import { bytes, type Infer, record, text } from '../../chain/index.js';
import { MEMO_BYTES_MAX } from './state.js';

/**
 * Fixes the digest of something that stays off the chain: a dataset, a consent form, a protocol. The memo says
 * what it is, for people, and is public: nothing about a patient belongs into it.
 */
export const anchorCodec = record({ digest: bytes(32), memo: text(MEMO_BYTES_MAX) });
export type Anchor = Infer<typeof anchorCodec>;
