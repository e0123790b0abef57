import type { Random } from '../../sim/random.js';
import { mutate } from '../mutate.js';
import { changedValue, type Known, type Schema, validValue, wrongValue } from './values.js';

/** A method as rpc.discover describes it. */
export interface Described {
  readonly name: string;
  readonly params: readonly {
    readonly name: string;
    readonly required?: boolean;
    readonly schema: Schema;
  }[];
}

export interface Material {
  readonly methods: readonly Described[];
  readonly known: Known;
}

/** One message to the RPC, as text or raw bytes. */
export interface Message {
  readonly kind: string;
  readonly bytes: Buffer;
}

/** Bodies larger than the node takes are built from this, which is sent many times over. */
export const MESSAGE_BYTES_MAX = 512 * 1024;

/** The next malformed message. Some are well-formed by chance: the node has to answer those, too. */
export function nextMessage({ methods, known }: Material, random: Random): Message {
  const valid = () => validRequest(random.pick(methods), known, random);
  const changed = () => changedRequest(valid(), random);
  const text = (kind: string, value: unknown): Message => ({
    kind,
    bytes: Buffer.from(JSON.stringify(value)),
  });
  switch (random.below(12)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return text('parameters', changed());
    case 4:
      return text('envelope', changedEnvelope(valid(), random));
    case 5:
      return { kind: 'broken text', bytes: broken(JSON.stringify(valid()), random) };
    case 6:
      return text(
        'batch',
        Array.from({ length: random.pick([0, 1, 2, 3, 5, 32, 33]) }, () => batched(valid, changed, random)),
      );
    case 7:
      return text('transaction', transactionRequest(known, random));
    case 8:
      return { kind: 'depth', bytes: deep(valid(), random) };
    case 9:
      return { kind: 'numbers', bytes: oddNumbers(random) };
    case 10:
      return random.chance(30)
        ? { kind: 'size', bytes: large(random) }
        : text('notification', withoutId(changed()));
    default:
      return text('valid', valid());
  }
}

function validRequest({ name, params }: Described, known: Known, random: Random) {
  const given = params.filter(({ required }) => required === true || random.chance(500));
  return {
    jsonrpc: '2.0',
    id: random.pick<unknown>([1, 'a', 0, -1.5, '', 'ü'.repeat(128)]),
    method: name,
    params: Object.fromEntries(given.map((param) => [param.name, validValue(param.schema, known, random)])),
  };
}
type Request = ReturnType<typeof validRequest>;

function changedRequest(request: Request, random: Random): Request {
  let { params } = request as { params: unknown };
  for (let changes = random.between(1, 3); changes > 0; changes -= 1) params = changedValue(params, random);
  return { ...request, params: params as Request['params'] };
}

function changedEnvelope(request: Request, random: Random): unknown {
  const odd = random.pick<() => unknown>([
    () => wrongValue(random),
    () => random.pick(['', '1.0', 'rpc.', 'constructor', '__proto__', 'hasOwnProperty', 'admin.cut\u0000']),
    () => 'm'.repeat(random.pick([128, 129, 10_000])),
    () => undefined,
  ])();
  const field = random.pick(['jsonrpc', 'id', 'method', 'params', 'result', 'error', '__proto__', 'extra']);
  return Object.fromEntries([...Object.entries(request).filter(([name]) => name !== field), [field, odd]]);
}

function withoutId({ id: _, ...request }: Request): object {
  return request;
}

function batched(valid: () => Request, changed: () => Request, random: Random): unknown {
  const one = random.below(6);
  if (one === 0) return valid();
  if (one === 1) return withoutId(changed());
  if (one === 2) return random.pick<unknown>([null, 1, 'x', [], [valid()], {}]);
  return changed();
}

function transactionRequest({ base64 }: Known, random: Random): object {
  const corpus = base64.map((text) => Buffer.from(text, 'base64'));
  const raw = Buffer.from(mutate(corpus, random)).toString('base64');
  const payloads = Array.from({ length: random.below(6) }, () =>
    Buffer.from(mutate(corpus, random)).toString('base64'),
  );
  const params = random.chance(500) ? { transaction: raw } : { transaction: raw, payloads };
  return { jsonrpc: '2.0', id: 1, method: 'tx.submit', params };
}

function broken(text: string, random: Random): Buffer {
  const bytes = mutate([Buffer.from(text)], random);
  return Buffer.from(bytes.subarray(0, MESSAGE_BYTES_MAX));
}

/** Brackets in brackets, written rather than built: JSON.stringify would not get so deep itself. */
function deep(request: Request, random: Random): Buffer {
  const depth = random.pick([100, 3_000, 20_000, 65_000, 200_000]);
  const [open, close] = random.pick([
    ['[', ']'],
    ['{"a":', '}'],
  ] as const);
  const closed = random.chance(500) ? close.repeat(depth) : '';
  const value = `${open.repeat(depth)}1${closed}`;
  const name = Object.keys(request.params)[0] ?? 'x';
  return Buffer.from(
    random.chance(300)
      ? value
      : `{"jsonrpc":"2.0","id":1,"method":"${request.method}","params":{"${name}":${value}}}`,
  );
}

function oddNumbers(random: Random): Buffer {
  const number = random.pick([
    '1e400',
    '-1e400',
    '1e-400',
    '00',
    '0x10',
    '1.',
    '.5',
    'NaN',
    '9'.repeat(5_000),
  ]);
  const where = random.pick([
    `{"jsonrpc":"2.0","id":${number},"method":"chain.status","params":{}}`,
    `{"jsonrpc":"2.0","id":1,"method":"chain.block","params":{"height":${number}}}`,
    `{"jsonrpc":"2.0","id":1,"method":"chain.status","params":{"afterHeight":${number},"waitMs":0}}`,
    `{"jsonrpc":"2.0","id":1,"method":"chain.export","params":{"from":1,"to":${number}}}`,
  ]);
  return Buffer.from(where);
}

function large(random: Random): Buffer {
  const item = random.pick(['1,', '"a",', '{},', '[[]],', ' ']);
  return Buffer.from(`[${item.repeat(Math.floor(MESSAGE_BYTES_MAX / item.length / random.between(1, 4)))}1]`);
}

/** Does it ask for a wait that would hold the sender up? Such a call is left before its answer. */
export function waits(bytes: Buffer): boolean {
  for (const [, digits] of bytes.toString('latin1').matchAll(/"waitMs":\s*(\d+)/g)) {
    if (Number(digits) > 50) return true;
  }
  return false;
}
