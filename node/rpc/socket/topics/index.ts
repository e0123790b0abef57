import type { z } from 'zod';
import { blocks } from './blocks.js';
import { events } from './events.js';

/** What can be subscribed to, by name. */
export const topics = { blocks, events } as const;

export type TopicName = keyof typeof topics;
export const topicNames = Object.keys(topics) as [TopicName, ...TopicName[]];
export type ItemOf<T extends TopicName> = z.output<(typeof topics)[T]['item']>;
