import { strict as assert } from 'node:assert';
import type { SealedContent } from '../../contracts/index.js';
import {
  aeadOpen,
  aeadSeal,
  bytesToUtf8,
  concatBytes,
  equalBytes,
  type HpkeKeys,
  hpkeOpen,
  hpkeSeal,
  sha256,
  utf8ToBytes,
} from '../../crypto/index.js';

/** What a publisher says about a task to those who may read it. */
export interface TaskContent {
  readonly title: string;
  readonly description: string;
}

const CONTENT_TAG = utf8ToBytes('consilium/task-content');
const KEY_TAG = utf8ToBytes('consilium/task-key');
/** A task key seals one message and is then forgotten, so its nonce can be fixed. */
const NONCE = new Uint8Array(12);
/** Texts are padded to a multiple of this: their length says little. */
const PAD_BYTES = 256;

/**
 * Seals a text under a fresh task key, and that key to each reader.
 *
 * Entropy comes in: `taskKey` and one `ikms` entry a reader, 32 fresh random bytes each, never used again. Null: a
 * reader's key is no usable one. What is sealed is bound to the chain, each wrap to this very ciphertext.
 */
export function sealContent(parts: {
  readonly chainId: Uint8Array;
  readonly content: TaskContent;
  readonly readers: readonly Uint8Array[];
  readonly taskKey: Uint8Array;
  readonly ikms: readonly Uint8Array[];
}): SealedContent | null {
  const { chainId, content, readers, taskKey, ikms } = parts;
  assert.equal(ikms.length, readers.length, 'entropy for each reader');
  const message = padded(utf8ToBytes(JSON.stringify([content.title, content.description])));
  const ciphertext = aeadSeal(taskKey, NONCE, concatBytes(CONTENT_TAG, chainId), message);
  const info = concatBytes(KEY_TAG, chainId);
  const aad = sha256(ciphertext);
  const wraps: SealedContent['wraps'][number][] = [];
  for (const [i, publicKey] of readers.entries()) {
    const sealed = hpkeSeal({ publicKey, ikm: ikms[i]!, info, aad, message: taskKey });
    if (sealed === null) return null;
    wraps.push({ reader: publicKey, enc: sealed.enc, wrapped: sealed.ciphertext });
  }
  return { chainId, ciphertext, wraps };
}

/** The text, for a holder of one of the readers' keys. Null: these keys do not open it, or it was altered. */
export function openContent(
  chainId: Uint8Array,
  { ciphertext, wraps }: SealedContent,
  keys: HpkeKeys,
): TaskContent | null {
  const wrap = wraps.find(({ reader }) => equalBytes(reader, keys.publicKey));
  if (wrap === undefined) return null;
  const sealed = { enc: wrap.enc, ciphertext: wrap.wrapped };
  const info = concatBytes(KEY_TAG, chainId);
  const taskKey = hpkeOpen({ keys, sealed, info, aad: sha256(ciphertext) });
  if (taskKey === null) return null;
  const message = aeadOpen(taskKey, NONCE, concatBytes(CONTENT_TAG, chainId), ciphertext);
  return message === null ? null : read(message);
}

function padded(text: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((4 + text.length) / PAD_BYTES) * PAD_BYTES);
  new DataView(bytes.buffer).setUint32(0, text.length);
  bytes.set(text, 4);
  return bytes;
}

function read(message: Uint8Array): TaskContent | null {
  const length = message.length < 4 ? 0 : new DataView(message.buffer, message.byteOffset).getUint32(0);
  try {
    const [title, description] = JSON.parse(bytesToUtf8(message.subarray(4, 4 + length))) as unknown[];
    return typeof title === 'string' && typeof description === 'string' ? { title, description } : null;
  } catch {
    return null;
  }
}
