import type { z } from 'zod';
import type { StoredBlock } from '../../store/index.js';

/** What narrows a subscription down; what a topic does not know, it refuses. */
export interface Filter {
  readonly contract?: string | undefined;
  readonly kind?: string | undefined;
  readonly task?: number | undefined;
}

/**
 * Something that blocks tell, one item after another. A topic is one file and one line in the table.
 *
 * `items` is pure. Indices ascend within a block and do not depend on the filter: (height, index) names an item for
 * good, on every node.
 */
export interface Topic<I extends z.ZodType> {
  readonly summary: string;
  readonly item: I;
  readonly filters: readonly (keyof Filter)[];
  items(
    stored: StoredBlock,
    filter: Filter,
  ): readonly { readonly index: number; readonly item: z.input<I> }[];
}

export function defineTopic<I extends z.ZodType>(topic: Topic<I>): Topic<I> {
  return topic;
}
