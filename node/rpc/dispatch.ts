import { z } from 'zod';
import { countTokens } from './body.js';
import { errorJson, RpcError } from './errors.js';
import { recall, remember } from './headAnswers.js';
import type { RpcLimits } from './limits.js';
import { methodNamed } from './methods/index.js';
import type { CallScope } from './methods/method.js';

/** One answer over HTTP. `body` null: all were notifications, which get none. */
export interface Answer {
  readonly status: number;
  readonly body: string | null;
}

type Id = string | number | null;

const ID_CHARS_MAX = 256;
const idSchema = z.union([z.string().max(ID_CHARS_MAX), z.number(), z.null()]);
const envelopeSchema = z.strictObject({
  jsonrpc: z.literal('2.0'),
  id: idSchema.optional(),
  method: z.string().max(128),
  params: z.record(z.string(), z.unknown()).optional(),
});
type Envelope = z.infer<typeof envelopeSchema>;

/** Where bugs are told; the caller learns only that there was one. */
export type OnBug = (method: string, error: unknown) => void;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Answers one HTTP body: a JSON-RPC 2.0 request or a batch of them, run one after another in their order.
 *
 * Never throws for what the caller sent. Deviation from the standard: parameters are by name only.
 */
export async function dispatch(
  bytes: Buffer,
  scope: CallScope,
  limits: RpcLimits,
  onBug: OnBug,
): Promise<Answer> {
  const parsed = parse(bytes, limits);
  if (!parsed.ok) return failure(parsed.error);
  if (!Array.isArray(parsed.value)) {
    const answer = await answerOne(parsed.value, scope, onBug);
    return { status: answer === null ? 204 : 200, body: bounded(answer, limits.answerBytesMax) };
  }
  const requests: readonly unknown[] = parsed.value;
  if (requests.length === 0) return failure(new RpcError('invalid-request', 'the batch is empty'));
  if (requests.length > limits.batchMax) {
    return failure(new RpcError('too-many-requests', `a batch has at most ${limits.batchMax} requests`));
  }
  const answers: string[] = [];
  let left = limits.answerBytesMax;
  for (const request of requests) {
    const answer = bounded(await answerOne(request, scope, onBug), left);
    if (answer === null) continue;
    answers.push(answer);
    left -= answer.length;
  }
  return answers.length === 0 ? { status: 204, body: null } : { status: 200, body: `[${answers.join(',')}]` };
}

/** An answer to a request that could not be read, or may not be asked at all. */
export function failure(error: RpcError, status = 400): Answer {
  return { status, body: errorText(null, error) };
}

function parse(
  bytes: Buffer,
  limits: RpcLimits,
): { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: RpcError } {
  // A list of millions of small values is far larger in memory than on the wire.
  if (countTokens(bytes, limits.tokensMax) > limits.tokensMax) {
    const detail = `a request has at most ${limits.tokensMax} values, names and brackets`;
    return { ok: false, error: new RpcError('oversized', detail) };
  }
  try {
    return { ok: true, value: JSON.parse(utf8.decode(bytes)) };
  } catch (error) {
    const detail = error instanceof SyntaxError ? 'this is not JSON' : 'this is not UTF-8';
    return { ok: false, error: new RpcError('parse-error', detail) };
  }
}

interface AnswerText {
  readonly id: Id;
  readonly text: string;
}

async function answerOne(request: unknown, scope: CallScope, onBug: OnBug): Promise<AnswerText | null> {
  const envelope = envelopeSchema.safeParse(request);
  if (!envelope.success) {
    const id = idOf(request);
    const { path, message } = firstIssue(envelope.error);
    const positional = path === 'params' && typeof request === 'object';
    const error = positional
      ? new RpcError('invalid-params', 'parameters are an object, by name', { path })
      : new RpcError('invalid-request', path === '' ? message : `${path}: ${message}`);
    return { id, text: errorText(id, error) };
  }
  const { id } = envelope.data;
  const text = await runOne(envelope.data, id ?? null, scope, onBug);
  return id === undefined ? null : { id, text };
}

async function runOne(envelope: Envelope, id: Id, scope: CallScope, onBug: OnBug): Promise<string> {
  try {
    const method = methodNamed(envelope.method);
    if (method === null) throw new RpcError('unknown-method', `there is no method ${clip(envelope.method)}`);
    const params = method.params.safeParse(envelope.params ?? {});
    if (!params.success) {
      const { path, message } = firstIssue(params.error);
      throw new RpcError('invalid-params', path === '' ? message : `${path}: ${message}`, { path });
    }
    const { context } = scope;
    // Of parameters that fit their schema: others may be nested deeper than any stack.
    const key = method.ofHead === true ? `${envelope.method} ${JSON.stringify(envelope.params)}` : null;
    const known = key === null ? null : recall(context, key);
    if (known !== null) return resultText(id, known);
    const head = context.head();
    const text = JSON.stringify(await method.run(scope, params.data));
    if (key !== null) remember(context, head, key, text);
    return resultText(id, text);
  } catch (error) {
    if (error instanceof RpcError) return errorText(id, error);
    onBug(envelope.method, error);
    return errorText(id, new RpcError('internal-error', 'the node could not answer because of a bug'));
  }
}

function resultText(id: Id, result: string): string {
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}`;
}

function errorText(id: Id, error: RpcError): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error: errorJson(error) });
}

function bounded(answer: AnswerText | null, charsLeft: number): string | null {
  if (answer === null) return null;
  if (answer.text.length <= charsLeft) return answer.text;
  return errorText(
    answer.id,
    new RpcError('oversized', 'the answers of one request would be too large together'),
  );
}

function idOf(request: unknown): Id {
  if (typeof request !== 'object' || request === null || !Object.hasOwn(request, 'id')) return null;
  const id = idSchema.safeParse((request as { id: unknown }).id);
  return id.success ? id.data : null;
}

/** What is wrong first, for people; it may name the sender's own fields, so it is cut. */
function firstIssue(error: z.ZodError): { path: string; message: string } {
  const issue = error.issues[0]!;
  return { path: clip(issue.path.map(String).join('.')), message: clip(issue.message) };
}

function clip(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 300).toWellFormed()}…`;
}
