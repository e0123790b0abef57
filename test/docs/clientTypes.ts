import type { Described } from './openrpc.js';
import { document } from './openrpc.js';

/*
 * The client's types and the document that it checks results by, both from what rpc.discover says.
 */

interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly prefixItems?: readonly Schema[];
}

export function openrpcDocument(): string {
  return JSON.stringify(document(), null, 1);
}

export function clientTypes(): string {
  const { methods, components } = document();
  const topics = Object.entries(components.schemas).map(([name, schema]) => [
    name.slice('item.'.length),
    schema,
  ]);
  return [
    '// Over 500 lines: made from the methods’ schemas by `npm run docs`. Change those, not this file.',
    '',
    '/** Every method of a node by its name: what it takes and what it answers, in JSON. */',
    'export interface RpcMethods {',
    ...methods.flatMap(methodType),
    '}',
    '',
    '/** What subscriptions send, by topic. */',
    'export interface RpcItems {',
    ...topics.map(([name, schema]) => `  ${name as string}: ${typeOf(schema as Schema, '  ')};`),
    '}',
    '',
  ].join('\n');
}

function methodType({ name, summary, params, result }: Described): string[] {
  const fields = params.map(
    (param) =>
      `${param.name}${param.required ? '' : '?'}: ${typeOf(param.schema as Schema, '      ')}${param.required ? '' : ' | undefined'};`,
  );
  return [
    `  /** ${summary} */`,
    `  '${name}': {`,
    fields.length === 0
      ? '    params: Record<string, never>;'
      : `    params: {\n${fields.map((field) => `      ${field}\n`).join('')}    };`,
    `    result: ${typeOf(result.schema as Schema, '    ')};`,
    '  };',
  ];
}

/** The TypeScript type of what a schema takes. Bounds and patterns have no type: they are checked. */
function typeOf(schema: Schema, indent: string): string {
  const { anyOf, oneOf, allOf } = schema;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((word) => JSON.stringify(word)).join(' | ');
  const choice = anyOf ?? oneOf;
  if (choice !== undefined) return [...new Set(choice.map((each) => typeOf(each, indent)))].join(' | ');
  if (allOf !== undefined) return allOf.map((each) => `(${typeOf(each, indent)})`).join(' & ');
  switch (schema.type) {
    case 'integer':
    case 'number':
      return 'number';
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type;
    case 'array':
      return arrayType(schema, indent);
    case 'object':
      return objectType(schema, indent);
    default:
      return 'unknown';
  }
}

function arrayType({ items, prefixItems }: Schema, indent: string): string {
  if (prefixItems !== undefined) return `[${prefixItems.map((each) => typeOf(each, indent)).join(', ')}]`;
  const item = typeOf(items ?? {}, indent);
  return /^\w+$/.test(item) ? `${item}[]` : `Array<${item}>`;
}

function objectType(
  { properties = {}, required = [], additionalProperties }: Schema,
  indent: string,
): string {
  const inner = `${indent}  `;
  const fields = Object.entries(properties).map(([name, schema]) => {
    const key = /^\w+$/.test(name) ? name : JSON.stringify(name);
    const isRequired = required.includes(name);
    return `${inner}${key}${isRequired ? '' : '?'}: ${typeOf(schema, inner)}${isRequired ? '' : ' | undefined'};`;
  });
  if (fields.length > 0) return `{\n${fields.join('\n')}\n${indent}}`;
  const values = typeof additionalProperties === 'object' ? typeOf(additionalProperties, indent) : 'unknown';
  return `Record<string, ${values}>`;
}
