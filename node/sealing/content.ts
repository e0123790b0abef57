import { strict as assert } from 'node:assert';
import { bucketOf, type KeyWrap, type SealedContent } from '../../contracts/index.js';
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
const LENGTH_BYTES = 4;

/** Is this text short enough to be sealed? */
export function fits(content: TaskContent): boolean {
  return bucketOf(LENGTH_BYTES + textOf(content).length) !== null;
}

/**
 * Seals a text under a fresh task key, and that key to each reader.
 *
 * Entropy comes in: `taskKey` and one `ikms` entry a reader, 32 fresh random bytes each, never used again. Null: a
 * reader's key is no usable one. What is sealed is bound to the chain, each wrap to this very ciphertext. Asserts that
 * the text fits.
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
  const message = padded(textOf(content));
  const ciphertext = aeadSeal(taskKey, NONCE, concatBytes(CONTENT_TAG, chainId), message);
  const wraps: KeyWrap[] = [];
  for (const [i, reader] of readers.entries()) {
    const wrap = wrapTaskKey({ chainId, ciphertext, taskKey, reader, ikm: ikms[i]! });
    if (wrap === null) return null;
    wraps.push(wrap);
  }
  return { chainId, ciphertext, wraps };
}

/** The task key for one more reader. `ikm`: 32 fresh random bytes. Null: nothing can be sealed to that key. */
export function wrapTaskKey(parts: {
  readonly chainId: Uint8Array;
  readonly ciphertext: Uint8Array;
  readonly taskKey: Uint8Array;
  readonly reader: Uint8Array;
  readonly ikm: Uint8Array;
}): KeyWrap | null {
  const { chainId, ciphertext, taskKey, reader, ikm } = parts;
  const info = concatBytes(KEY_TAG, chainId);
  const sealed = hpkeSeal({ publicKey: reader, ikm, info, aad: sha256(ciphertext), message: taskKey });
  return sealed === null ? null : { reader, enc: sealed.enc, wrapped: sealed.ciphertext };
}

/** The task key, for a holder of one of the readers' keys: whoever has it can admit. Null: these keys do not open it. */
export function openTaskKey(
  chainId: Uint8Array,
  { ciphertext, wraps }: SealedContent,
  keys: HpkeKeys,
): Uint8Array | null {
  const wrap = wraps.find(({ reader }) => equalBytes(reader, keys.publicKey));
  if (wrap === undefined) return null;
  const sealed = { enc: wrap.enc, ciphertext: wrap.wrapped };
  return hpkeOpen({ keys, sealed, info: concatBytes(KEY_TAG, chainId), aad: sha256(ciphertext) });
}

/** The text, for a holder of one of the readers' keys. Null: these keys do not open it, or it was altered. */
export function openContent(chainId: Uint8Array, sealed: SealedContent, keys: HpkeKeys): TaskContent | null {
  const taskKey = openTaskKey(chainId, sealed, keys);
  if (taskKey === null) return null;
  const message = aeadOpen(taskKey, NONCE, concatBytes(CONTENT_TAG, chainId), sealed.ciphertext);
  return message === null ? null : read(message);
}

function textOf({ title, description }: TaskContent): Uint8Array {
  return utf8ToBytes(JSON.stringify([title, description]));
}

function padded(text: Uint8Array): Uint8Array {
  const bucket = bucketOf(LENGTH_BYTES + text.length);
  assert.ok(bucket !== null, 'a text that fits');
  const bytes = new Uint8Array(bucket);
  new DataView(bytes.buffer).setUint32(0, text.length);
  bytes.set(text, LENGTH_BYTES);
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
