import { z } from 'zod';
import packageFile from '../../../package.json' with { type: 'json' };
import { errorTable } from '../errors.js';
import { topics } from '../socket/topics/index.js';
import { defineMethod, type Method } from './method.js';

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** The method that describes the others, in OpenRPC's form (spec.open-rpc.org, version 1.3.2). */
export function createDiscover(methods: Readonly<Record<string, Method<z.ZodType, z.ZodType>>>) {
  let document: Record<string, unknown> | null = null;
  return defineMethod({
    summary: 'All methods with the JSON Schemas of parameters and results, and all errors.',
    params: z.strictObject({}),
    result: z.record(z.string(), z.unknown()),
    run: () => {
      document ??= describe(methods);
      return document;
    },
  });
}

function describe(methods: Readonly<Record<string, Method<z.ZodType, z.ZodType>>>): Record<string, unknown> {
  return {
    openrpc: '1.3.2',
    info: { title: 'Consilium node', version: packageFile.version },
    methods: Object.entries(methods).map(([name, { summary, params, result }]) => ({
      name,
      summary,
      paramStructure: 'by-name',
      params: paramList(z.toJSONSchema(params, { io: 'input' })),
      result: { name: 'result', schema: z.toJSONSchema(result) },
    })),
    components: {
      /** What subscriptions send: `params.item` of the notification chain.item, by topic. */
      schemas: Object.fromEntries(
        Object.entries(topics).map(([topic, { item }]) => [`item.${topic}`, z.toJSONSchema(item)]),
      ),
      errors: Object.fromEntries(
        Object.entries(errorTable).map(([word, { code, advice }]) => [
          word,
          { code, message: word, data: advice },
        ]),
      ),
    },
  };
}

function paramList({ properties = {}, required = [] }: JsonSchema): unknown[] {
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    required: required.includes(name),
    schema,
  }));
}
