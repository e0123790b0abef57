import { z } from 'zod';
import { count } from '../schemas.js';

/** A place in the chain between two items: the next one is at this height and index, or later. */
export const cursorSchema = z.strictObject({ height: count.min(1), index: count.default(0) });
export type Cursor = z.output<typeof cursorSchema>;

/** What travels for an item. `next`: from where on a new subscription misses nothing and repeats nothing. */
export const notificationSchema = z.object({
  jsonrpc: z.literal('2.0'),
  method: z.literal('chain.item'),
  params: z.object({
    subscription: z.string(),
    at: z.object({ height: count, index: count }),
    next: z.object({ height: count, index: count }),
    item: z.unknown(),
  }),
});
export type Notification = z.infer<typeof notificationSchema>;
