import type { RpcContext } from './context.js';

const ENTRIES_MAX = 512;
const CHARS_MAX = 4 * 1024 * 1024;
const KEY_CHARS_MAX = 256;

interface Remembered {
  /** The head that they are of; an object of its own for each block. */
  readonly head: object;
  readonly texts: Map<string, string>;
  chars: number;
}

const byContext = new WeakMap<RpcContext, Remembered>();

/**
 * Results, as JSON, of methods that depend on the head and their parameters alone: many who watch one chain ask the same
 * between two blocks. Forgotten with the next head; at most 512 of them and 4 Mi characters, what comes then is not kept.
 *
 * `key`: the method and its parameters as they were sent.
 */
export function recall(context: RpcContext, key: string): string | null {
  return ofHead(context).texts.get(key) ?? null;
}

/** `head`: which the result was computed at; a later one's answers don't take it. */
export function remember(context: RpcContext, head: object, key: string, text: string): void {
  const kept = ofHead(context);
  if (kept.head !== head || key.length > KEY_CHARS_MAX || kept.texts.size >= ENTRIES_MAX) return;
  if (kept.chars + text.length > CHARS_MAX) return;
  kept.texts.set(key, text);
  kept.chars += text.length;
}

function ofHead(context: RpcContext): Remembered {
  const head = context.head();
  const known = byContext.get(context);
  if (known !== undefined && known.head === head) return known;
  const fresh: Remembered = { head, texts: new Map(), chars: 0 };
  byContext.set(context, fresh);
  return fresh;
}
