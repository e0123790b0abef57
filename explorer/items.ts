import type { Item, SubscribeOptions, TopicName } from '../node/rpc/index.js';
import { follow } from '../node/rpc/socket/follow.js';

/** What the chain tells, from a place on. As for answers, the node is taken at its word (ask.ts). */
export function items<T extends TopicName>(
  topic: T,
  { from, signal, ...filter }: Pick<SubscribeOptions, 'from' | 'signal' | 'contract' | 'kind' | 'task'>,
): AsyncGenerator<Item<T>, void, void> {
  const options = { params: { topic, ...filter }, from, signal };
  return follow(location.origin, options, (message) => (message as { readonly params: Item<T> }).params);
}
