import type { Random } from '../../sim/random.js';

/** What JSON says of a value's shape, as far as the RPC's schemas use it. */
export interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly contentEncoding?: string;
}

/** Ids, keys and encodings that this chain knows, so that calls get beyond the first check. */
export interface Known {
  readonly hex: readonly string[];
  readonly base64: readonly string[];
  readonly words: readonly string[];
  /** The head's height when it was asked. */
  readonly height: number;
}

/** A value that a schema takes. Waits stay below 20 ms. */
export function validValue(schema: Schema, known: Known, random: Random): unknown {
  if (schema.enum !== undefined) return random.pick(schema.enum);
  if (schema.anyOf !== undefined) return validValue(random.pick(schema.anyOf), known, random);
  switch (schema.type) {
    case 'integer': {
      const { minimum = 0, maximum = 100 } = schema;
      const isWait = maximum === 30_000;
      if (!isWait && random.chance(100)) return maximum;
      const high = isWait ? 20 : Math.min(maximum, known.height + 3);
      return random.between(minimum, Math.max(minimum, high));
    }
    case 'boolean':
      return random.chance(500);
    case 'null':
      return null;
    case 'array':
      return Array.from({ length: random.between(0, Math.min(4, schema.maxItems ?? 4)) }, () =>
        validValue(schema.items ?? {}, known, random),
      );
    case 'object':
      return validObject(schema, known, random);
    default:
      if (schema.contentEncoding === 'base64') return random.pick(known.base64);
      return schema.pattern === undefined ? random.pick(known.words) : random.pick(known.hex);
  }
}

function validObject({ properties = {}, required = [] }: Schema, known: Known, random: Random): object {
  const chosen = Object.entries(properties).filter(([name]) => required.includes(name) || random.chance(600));
  return Object.fromEntries(chosen.map(([name, schema]) => [name, validValue(schema, known, random)]));
}

const NUMBERS = [
  -1,
  0.5,
  -0,
  1e21,
  1e308,
  -1e308,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  2 ** 63,
  Number.MAX_SAFE_INTEGER,
  5e-324,
  30_001,
];
const TEXTS = [
  '',
  ' ',
  '0',
  '-1',
  '__proto__',
  'constructor',
  'toString',
  '../../../etc/passwd',
  '\u0000',
  '\ud800',
  '\udfff\ud800',
  'ﷺ'.repeat(50),
  'A'.repeat(64),
  'g'.repeat(64),
  '=',
  '====',
  'AAA',
  'AAAA=',
  "'; drop table blocks; --",
  '\u202eabc',
  '9'.repeat(400),
];

/** Something that is rarely wanted: other types, ends of ranges, names with a meaning, depth, size. */
export function wrongValue(random: Random): unknown {
  switch (random.below(9)) {
    case 0:
      return random.pick(NUMBERS);
    case 1:
      return random.pick(TEXTS);
    case 2:
      return random.pick([null, true, false, [], {}, [[]], [null], { '': null }]);
    case 3:
      return nest(random.pick([2, 10, 100, 1_000]), random.chance(500));
    case 4:
      return 'x'.repeat(random.pick([100, 1_025, 20_000, 100_000]));
    case 5:
      return Array.from({ length: random.pick([5, 66, 1_001, 5_000]) }, () => random.pick(NUMBERS));
    case 6:
      return Object.fromEntries(Array.from({ length: random.between(1, 50) }, (_, i) => [`k${i}`, i]));
    case 7:
      return Object.fromEntries([[random.pick(TEXTS), random.pick(TEXTS)]]);
    default:
      return JSON.parse('{"__proto__": {"isAdmin": true}, "constructor": {"prototype": {"isAdmin": true}}}');
  }
}

function nest(depth: number, lists: boolean): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i += 1) value = lists ? [value] : { a: value };
  return value;
}

/** The same with one thing changed, somewhere in it. */
export function changedValue(value: unknown, random: Random): unknown {
  if (random.chance(250)) return wrongValue(random);
  if (typeof value === 'string') return changedText(value, random);
  if (typeof value === 'number')
    return random.pick([value + 1, value - 1, -value, value + 0.5, String(value)]);
  if (Array.isArray(value)) {
    if (value.length === 0 || random.chance(300)) return [...value, wrongValue(random)];
    const at = random.below(value.length);
    return value.map((item, i) => (i === at ? changedValue(item, random) : item));
  }
  if (typeof value !== 'object' || value === null) return wrongValue(random);
  const entries = Object.entries(value);
  const at = random.below(Math.max(1, entries.length));
  switch (entries.length === 0 ? 0 : random.below(4)) {
    case 0:
      return Object.fromEntries([...entries, [random.pick(TEXTS), wrongValue(random)]]);
    case 1:
      return Object.fromEntries(entries.filter((_, i) => i !== at));
    default:
      return Object.fromEntries(
        entries.map(([name, item], i) => [name, i === at ? changedValue(item, random) : item]),
      );
  }
}

function changedText(text: string, random: Random): string {
  const at = random.below(text.length + 1);
  switch (random.below(5)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + random.pick(TEXTS) + text.slice(at);
    case 2:
      return text.toUpperCase();
    case 3:
      return text + text;
    default: {
      const letter = random.pick('0123456789abcdefXYZ+/=-_ \n'.split(''));
      return text.slice(0, at) + letter + text.slice(at + 1);
    }
  }
}
