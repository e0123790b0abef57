import type { RpcContext } from '../context.js';
import { untilChanged } from '../methods/wait.js';
import type { Cursor } from './cursor.js';
import type { Filter, Topic } from './topic.js';

/** How long one wait for a block lasts at most; then the loop looks whether anybody is still there. */
const WAIT_MS = 30_000;

export interface FeedItem {
  readonly at: Cursor;
  readonly next: Cursor;
  readonly item: unknown;
}

/**
 * Hands over all items from a place in the chain on, in order, until the signal.
 *
 * Nothing is kept for whoever is slow: the chain is the queue. The next item is read when `give` has resolved, so a
 * feed costs one block in memory, however far behind it is.
 */
export async function feed(
  context: RpcContext,
  topic: Topic<never>,
  filter: Filter,
  from: Cursor,
  give: (item: FeedItem) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let { height, index: least } = from;
  while (!signal.aborted) {
    const head = context.head().height;
    if (height > head) {
      await untilChanged(context, head, WAIT_MS, signal);
      continue;
    }
    for (const { index, item } of topic.items(context.store.block(height)!, filter)) {
      if (index < least) continue;
      if (signal.aborted) return;
      await give({ at: { height, index }, next: { height, index: index + 1 }, item });
    }
    height += 1;
    least = 0;
    // Blocks of which nothing is wanted must not hold up everybody else.
    await turn();
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
