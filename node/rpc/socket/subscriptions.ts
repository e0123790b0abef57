import type { RpcContext } from '../context.js';
import { RpcError } from '../errors.js';
import type { Cursor } from './cursor.js';
import { feed } from './feed.js';
import type { Filter, Topic } from './topic.js';
import { type TopicName, topics } from './topics/index.js';

/** The subscriptions of one socket. */
export interface Subscriptions {
  /** Gives its id. Nothing is sent before `start`, so that the answer with the id comes first. Throws RpcError. */
  open(topic: TopicName, filter: Filter, from: Cursor): string;
  /** False: there is none of this id. */
  close(id: string): boolean;
  /** Begins with what was opened since. */
  start(): void;
  closeAll(): void;
}

export interface SubscriptionOptions {
  readonly context: RpcContext;
  readonly subscriptionsMax: number;
  /** Resolves when the text has left: until then nothing more is read for this subscription. */
  readonly send: (text: string) => Promise<void>;
  readonly onBug: (error: unknown) => void;
}

export function createSubscriptions({
  context,
  subscriptionsMax,
  send,
  onBug,
}: SubscriptionOptions): Subscriptions {
  const running = new Map<string, AbortController>();
  const waiting: (() => void)[] = [];
  let opened = 0;
  return {
    open: (name, filter, from) => {
      if (running.size >= subscriptionsMax) {
        throw new RpcError('busy', `a socket has at most ${subscriptionsMax} subscriptions`);
      }
      opened += 1;
      const id = String(opened);
      const stop = new AbortController();
      running.set(id, stop);
      const give = (item: object) =>
        send(JSON.stringify({ jsonrpc: '2.0', method: 'chain.item', params: { subscription: id, ...item } }));
      const topic = topics[name] as unknown as Topic<never>;
      waiting.push(() => {
        feed(context, topic, filter, from, give, stop.signal).catch(onBug);
      });
      return id;
    },
    close: (id) => {
      running.get(id)?.abort();
      return running.delete(id);
    },
    start: () => {
      for (const begin of waiting.splice(0)) begin();
    },
    closeAll: () => {
      for (const stop of running.values()) stop.abort();
      running.clear();
    },
  };
}
