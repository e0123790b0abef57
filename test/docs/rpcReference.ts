import { errorTable } from '../../node/rpc/errors.js';
import { topics } from '../../node/rpc/socket/topics/index.js';
import { type Described, document } from './openrpc.js';

/*
 * docs/reference/rpc.md, made from what the node checks requests with. Pure; `npm run docs` writes it, a unit test
 * compares it.
 */

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly required?: readonly string[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly maxLength?: number;
  readonly contentEncoding?: string;
}

export function rpcReference(): string {
  const families = new Map<string, Described[]>();
  for (const method of document().methods) {
    const family = method.name.split('.')[0]!;
    families.set(family, [...(families.get(family) ?? []), method]);
  }
  return [
    INTRODUCTION,
    ...[...families].flatMap(([family, members]) => [`## ${family}`, ...members.map(section)]),
    '## Topics',
    'What `chain.subscribe` follows. Each item comes as a notification `chain.item` with `subscription`, `at` (its height and index), `next` (where to go on) and `item`:',
    table(
      ['topic', 'filters', 'item', 'what'],
      Object.entries(topics).map(([name, { summary, filters, item }]) => [
        `\`${name}\``,
        filters.map((filter) => `\`${filter}\``).join(', '),
        `\`${Object.keys(item.shape).join('`, `')}\``,
        summary,
      ]),
    ),
  ].join('\n\n');
}

const INTRODUCTION = `# RPC

Made by \`npm run docs\` from the schemas that check every request; \`rpc.discover\` gives the same as an OpenRPC document.

JSON-RPC 2.0 by \`POST /\` with content type \`application/json\`, or one message each over a WebSocket at the same address (up to 1 MiB; larger submissions go over HTTP). Parameters are by name. Batches have up to 32 requests. A method that takes \`waitMs\` waits that long for what is not there yet. Bytes are hex in lower case, 64-bit numbers decimal texts, payload bytes base64. Errors: [errors.md](../errors.md), ${Object.keys(errorTable).length} of them.

    curl -s -H 'content-type: application/json' -d '{"jsonrpc":"2.0","id":1,"method":"chain.status"}' http://127.0.0.1:4001

A subscription never loses an item and never repeats one: the chain is the queue. Keep the \`next\` of the last item that you have handled, and subscribe from there, on this node or another, whenever the connection breaks; a subscriber that is slow is not cut off and nothing is dropped. \`subscribe\` of \`node/rpc/subscribe.ts\` does that.
`;

function section({ name, summary, params, result }: Described): string {
  const rows = params.map(({ name: param, required, schema }) => [
    `\`${param}\``,
    kindOf(schema),
    required ? 'yes' : schema.default === undefined ? 'no' : `\`${JSON.stringify(schema.default)}\``,
  ]);
  return [
    `### ${name}`,
    summary,
    ...(rows.length === 0 ? [] : [table(['parameter', 'is', 'needed, or its default'], rows)]),
    `Gives ${kindOf(result.schema)}.`,
  ].join('\n\n');
}

/** A schema in words, two levels deep: rpc.discover has all of it. */
function kindOf(schema: Schema, depth = 2): string {
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined)
    return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(' or ');
  const kinds = schema.anyOf ?? schema.oneOf;
  if (kinds !== undefined) return kinds.map((kind) => kindOf(kind, depth)).join(' or ');
  if (schema.type === 'array') return `a list of ${kindOf(schema.items ?? {}, depth - 1)}`;
  if (schema.properties !== undefined) return depth > 0 ? objectOf(schema, depth) : 'an object';
  if (schema.type === 'object') return 'an object';
  if (schema.pattern?.includes('{64}') === true) return '32 bytes in hex';
  if (schema.contentEncoding === 'base64') return 'base64';
  if (schema.type === 'null') return 'null';
  if (schema.type === 'boolean') return 'true or false';
  if (schema.type === 'integer' || schema.type === 'number') return numberOf(schema);
  return schema.type === 'string' ? 'a text' : 'anything';
}

function objectOf({ properties, required = [] }: Schema, depth: number): string {
  const fields = Object.entries(properties!).map(([name, schema]) => {
    const inner = kindOf(schema, depth - 1);
    return `\`${name}\`${required.includes(name) ? '' : '?'}: ${inner}`;
  });
  return `{ ${fields.join(', ')} }`;
}

function numberOf({ minimum, maximum }: Schema): string {
  const most = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? '' : ` to ${maximum}`;
  const least = minimum === undefined || minimum < -1e12 ? '' : ` from ${minimum}`;
  return `a number${least}${most}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
