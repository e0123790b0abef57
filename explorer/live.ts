import { useEffect, useRef, useState } from 'preact/hooks';
import type { ItemOf } from '../node/rpc/index.js';
import { ask, NodeError } from './ask.js';
import { items } from './items.js';

/** The chain as it goes on, for all views at once. */

export type BlockItem = ItemOf<'blocks'>;

const BLOCKS_KEPT = 200;

interface Live {
  /** Newest last; a bounded number. */
  readonly blocks: readonly BlockItem[];
  readonly connected: boolean;
}

let live: Live = { blocks: [], connected: true };
const listeners = new Set<(live: Live) => void>();
let told = false;

/** A chain may make ten blocks a second: the page is drawn once a frame, however many came. */
function tell(next: Live): void {
  live = next;
  if (told) return;
  told = true;
  setTimeout(() => {
    told = false;
    for (const listen of listeners) listen(live);
  }, 100);
}

/** Follows the chain for as long as the page is there, through restarts of the node. */
export async function followBlocks(): Promise<void> {
  const { height, base } = await ask('chain.status', {});
  let from = { height: Math.max(base + 1, height - BLOCKS_KEPT + 1, 1), index: 0 };
  for (;;) {
    try {
      for await (const { item, next } of items('blocks', { from })) {
        from = next;
        tell({ blocks: [...live.blocks, item].slice(-BLOCKS_KEPT), connected: true });
      }
    } catch {
      tell({ ...live, connected: false });
      await new Promise((resolve) => setTimeout(resolve, 2_000));
    }
  }
}

export function useLive(): Live {
  const [shown, show] = useState(live);
  useEffect(() => {
    listeners.add(show);
    return () => {
      listeners.delete(show);
    };
  }, []);
  return shown;
}

/** 0 before the first block. */
export function useHeight(): number {
  return useLive().blocks.at(-1)?.height ?? 0;
}

export interface Asked<T> {
  readonly value: T | null;
  readonly error: NodeError | null;
}

const AGAIN_MS = 1_000;

/**
 * What `question` gives, asked again when the chain has a new block, once a second at most. `key` names the question:
 * another key is another question.
 */
export function useAsked<T>(key: string, question: () => Promise<T>): Asked<T> {
  const height = useHeight();
  const [answer, setAnswer] = useState<Asked<T> & { readonly key: string }>({
    key,
    value: null,
    error: null,
  });
  const state = useRef({ key, busy: false, next: 0 });
  useEffect(() => {
    if (state.current.key !== key) state.current = { key, busy: false, next: 0 };
    const mine = state.current;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const run = async () => {
      if (mine.busy) return;
      mine.busy = true;
      mine.next = performance.now() + AGAIN_MS;
      try {
        const value = await question();
        if (state.current === mine) setAnswer({ key, value, error: null });
      } catch (error) {
        const shown = error instanceof NodeError ? error : new NodeError('error', String(error), null);
        if (state.current === mine)
          setAnswer((before) => ({ key, value: before.key === key ? before.value : null, error: shown }));
      } finally {
        mine.busy = false;
      }
    };
    const wait = mine.next - performance.now();
    if (wait <= 0) void run();
    else timer = setTimeout(() => void run(), wait);
    return () => clearTimeout(timer);
  }, [key, height]);
  return answer.key === key ? answer : { value: null, error: null };
}
