import { z } from 'zod';
import { RpcError } from '../errors.js';
import { defineMethod } from './method.js';

export const chainUnsubscribe = defineMethod({
  summary: 'Over a WebSocket alone: ends a subscription of this socket.',
  params: z.strictObject({ subscription: z.string().max(32) }),
  result: z.object({ ended: z.literal(true) }),
  run: ({ subscriptions }, { subscription }) => {
    if (subscriptions?.close(subscription) !== true) {
      throw new RpcError('not-found', `this socket has no subscription ${subscription}`);
    }
    return { ended: true as const };
  },
});
