import { z } from 'zod';
import type { MethodTable } from '../rpc/caller.js';
import document from './openrpc.json' with { type: 'json' };

type JsonSchema = Parameters<typeof z.fromJSONSchema>[0];

/**
 * Methods with what checks their results, out of the document that rpc.discover gives; each schema is made when it is
 * first needed. Parameters are checked by the node.
 */
export const describedMethods: MethodTable = Object.defineProperties(
  {},
  Object.fromEntries(
    document.methods.map(({ name, result }) => {
      const schema = once(() => z.fromJSONSchema(result.schema as JsonSchema));
      return [name, { enumerable: true, get: () => ({ params: z.unknown(), result: schema() }) }];
    }),
  ),
);

const items = document.components.schemas as Readonly<Record<string, unknown>>;

/** What checks the items of a topic. */
export function itemSchema(topic: string): z.ZodType {
  return z.fromJSONSchema(items[`item.${topic}`] as JsonSchema);
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
