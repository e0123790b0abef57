import { errorTable, isErrorWord } from '../../../node/rpc/errors.js';

/** What came back for one message. `status` null: over a WebSocket. `text` null: nothing was to be heard. */
export interface Heard {
  readonly status: number | null;
  readonly text: string | null;
}

/** What the node may say to whatever comes. 503 is its own bound: busy, as the table of errors has it. */
const STATUSES: readonly number[] = [
  100, 101, 200, 204, 400, 403, 404, 405, 408, 413, 415, 417, 426, 431, 503,
];

export function statusFault(status: number): string | null {
  return STATUSES.includes(status) ? null : `HTTP ${status}`;
}

/**
 * What is wrong with an answer, or null. Every error is one of the table and none is internal; the id is the one that
 * was sent, or null where the request as a whole could not be read. `words` counts what was answered.
 */
export function faultOf(sent: Buffer, { status, text }: Heard, words: Map<string, number>): string | null {
  const fault = status === null ? null : statusFault(status);
  if (fault !== null || text === null || text === '') return fault;
  const answers = parsed(text);
  if (answers === undefined) return 'the answer is not JSON';
  const list = Array.isArray(answers) ? answers : [answers];
  if (list.length === 0) return 'an empty list of answers';
  const ids = sentIds(sent);
  for (const answer of list) {
    const wrong = answerFault(answer, ids, words);
    if (wrong !== null) return wrong;
  }
  return null;
}

function answerFault(answer: unknown, ids: ReadonlySet<unknown>, words: Map<string, number>): string | null {
  if (typeof answer !== 'object' || answer === null) return 'an answer is no object';
  const { jsonrpc, id, result, error } = answer as Record<string, unknown>;
  if (jsonrpc !== '2.0' || id === undefined) return 'an answer without jsonrpc or id';
  if ((result === undefined) === (error === undefined)) return 'neither result nor error, or both';
  if (id !== null && !ids.has(id)) return `an answer with the id ${JSON.stringify(id)}, which was not asked`;
  if (error === undefined) {
    words.set('answered', (words.get('answered') ?? 0) + 1);
    return null;
  }
  const { code, message, data } = error as { code?: unknown; message?: unknown; data?: { code?: unknown } };
  const word = data?.code;
  if (!isErrorWord(word) || errorTable[word].code !== code || typeof message !== 'string') {
    return `an error that is not in the table: ${JSON.stringify(error).slice(0, 300)}`;
  }
  if (word === 'internal-error') return `internal-error: ${message}`;
  words.set(word, (words.get(word) ?? 0) + 1);
  return null;
}

/** Ids that an answer may carry, beside null. */
function sentIds(sent: Buffer): ReadonlySet<unknown> {
  const value = parsed(sent.toString());
  const requests: readonly unknown[] = Array.isArray(value) ? value : [value];
  return new Set(
    requests.map((request) =>
      typeof request === 'object' && request !== null ? (request as { id?: unknown }).id : undefined,
    ),
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
