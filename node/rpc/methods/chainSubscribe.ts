import { z } from 'zod';
import { baseHeight, belowBase } from '../../store/index.js';
import { RpcError } from '../errors.js';
import { count, ordinal } from '../schemas.js';
import { cursorSchema } from '../socket/cursor.js';
import { topicNames, topics } from '../socket/topics/index.js';
import { defineMethod } from './method.js';

const word = z.string().min(1).max(64);

export const chainSubscribe = defineMethod({
  summary:
    'Over a WebSocket alone: sends what blocks tell as notifications chain.item, from a place on, losing nothing.',
  params: z.strictObject({
    topic: z.enum(topicNames),
    /** The `next` of the last item that was handled. Left out: what comes from now on. */
    from: cursorSchema.optional(),
    contract: word.optional(),
    kind: word.optional(),
    task: ordinal.optional(),
  }),
  result: z.object({ subscription: z.string(), from: z.object({ height: count, index: count }) }),
  run: ({ context, subscriptions }, { topic, from: asked, ...filter }) => {
    if (subscriptions === undefined) {
      throw new RpcError('needs-socket', 'a subscription needs a WebSocket');
    }
    const known: readonly string[] = topics[topic].filters;
    for (const [path, value] of Object.entries(filter)) {
      if (value === undefined || known.includes(path)) continue;
      throw new RpcError('invalid-params', `${path}: ${topic} has no such filter`, { path });
    }
    const head = context.head().height;
    const from = asked ?? { height: head + 1, index: 0 };
    if (from.height > head + 1) {
      throw new RpcError('not-found', `the head is at ${head}: a subscription begins at ${head + 1} at most`);
    }
    if (from.height <= baseHeight(context.store)) {
      throw new RpcError('not-found', belowBase(context.store));
    }
    return { subscription: subscriptions.open(topic, filter, from), from };
  },
});
