import { createRequire } from 'node:module';
import { Ajv, type AnySchemaObject } from 'ajv';
import { expect, it } from 'vitest';
import { methods } from '../../../../node/rpc/methods/index.js';

const require = createRequire(import.meta.url);
// Both say of themselves that they are written in the second one: draft 7 by another name.
const { openrpcDocument } = require('@open-rpc/meta-schema') as { openrpcDocument: AnySchemaObject };
const { jsonSchema } = require('@json-schema-tools/meta-schema') as { jsonSchema: AnySchemaObject };
const draft7 = ({ $schema: _, ...schema }: AnySchemaObject) => schema;

const document = methods['rpc.discover'].run({} as never, {}) as unknown as Record<string, unknown> & {
  readonly methods: readonly {
    readonly name: string;
    readonly params: readonly { readonly schema: AnySchemaObject }[];
  }[];
};

it('rpc.discover gives a valid OpenRPC document, by OpenRPC’s own schema', () => {
  const ajv = new Ajv({ strict: false });
  // It is referred to with and without the slash at its end.
  for (const $id of [jsonSchema.$id!, jsonSchema.$id!.replace(/\/$/, '')])
    ajv.addSchema({ ...draft7(jsonSchema), $id });
  const validate = ajv.compile(draft7(openrpcDocument));
  expect([validate(document), validate.errors]).toEqual([true, null]);
  const { info: _, ...nameless } = document;
  expect(validate(nameless)).toBe(false);
});

it('describes every method, with schemas that a validator can compile', () => {
  expect(document.methods.map(({ name }) => name).sort()).toEqual(
    Object.keys(methods)
      .filter((name) => name !== 'rpc.discover')
      .sort(),
  );
  const ajv = new Ajv({ strict: false });
  for (const { params } of document.methods)
    for (const { schema } of params) expect(() => ajv.compile(draft7(schema))).not.toThrow();
});
