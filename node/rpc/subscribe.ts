import type { ClientOptions } from './caller.js';
import { RpcError } from './errors.js';
import { type Cursor, notificationSchema } from './socket/cursor.js';
import { follow } from './socket/follow.js';
import type { Filter } from './socket/topic.js';
import { type ItemOf, type TopicName, topics } from './socket/topics/index.js';

export interface SubscribeOptions extends Filter, Pick<ClientOptions, 'timeoutMs' | 'signal'> {
  /** The `next` of the last item that was handled. Left out: what comes from now on. */
  readonly from?: Cursor;
  /** Attempts to connect again, one after another without an item in between. */
  readonly retries?: number;
}

/** One item. Keep `next`: whoever goes on from there has lost nothing and sees nothing twice. */
export interface Item<T extends TopicName> {
  readonly at: Cursor;
  readonly next: Cursor;
  readonly item: ItemOf<T>;
}

/** Follows a topic of the node at an `http://` address: `follow`, with every item checked by its schema. */
export function subscribe<T extends TopicName>(
  url: string,
  topic: T,
  { from, timeoutMs, signal, retries, ...filter }: SubscribeOptions = {},
): AsyncGenerator<Item<T>, void, void> {
  const options = { params: { topic, ...filter }, from, timeoutMs, signal, retries };
  return follow(url, options, (message) => {
    const read = notificationSchema.safeParse(message);
    const item = read.success ? topics[topic].item.safeParse(read.data.params.item) : read;
    if (!read.success || !item.success) throw new RpcError('bad-answer', `${url}: an item unlike its schema`);
    return { at: read.data.params.at, next: read.data.params.next, item: item.data as ItemOf<T> };
  });
}
