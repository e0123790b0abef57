import { errorTable, isErrorWord, RpcError } from '../errors.js';

/** A place in the chain between two items. */
export interface Place {
  readonly height: number;
  readonly index: number;
}

export interface FollowOptions {
  /** Of `chain.subscribe`, without `from`. */
  readonly params: object;
  readonly from?: Place | undefined;
  /** Until the node has answered the subscription. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Attempts to connect again, one after another without an item in between. */
  readonly retries?: number | undefined;
}

const TIMEOUT_MS = 10_000;
const RETRIES = 5;
const RETRY_PAUSE_MS = 200;
const RETRY_PAUSE_MAX_MS = 5_000;

/** Items that wait for the caller; with more the socket is closed, and opened again where the caller is. */
const WAITING_MAX = 1_024;

/** As browsers and Node 22 have it, and as `ws` does it. */
type SocketLike = Pick<WebSocket, 'send' | 'close' | 'addEventListener'>;

/**
 * Follows a subscription of the node at an `http://` address, for as long as the caller asks for more. `read` turns
 * what came into an item, and throws RpcError 'bad-answer' for what is none.
 *
 * A broken connection, a node that restarts, a caller that is slow: it connects again from where the caller is, so
 * every item comes once and in order. Ends with the signal. Throws RpcError: the node's own refusal, 'unreachable'
 * after the last attempt, and what `read` throws.
 */
export async function* follow<I extends { readonly next: Place }>(
  url: string,
  { params, from, timeoutMs = TIMEOUT_MS, signal, retries = RETRIES }: FollowOptions,
  read: (message: unknown) => I,
): AsyncGenerator<I, void, void> {
  let cursor = from;
  for (let failures = 0; signal?.aborted !== true; ) {
    const inbox = createInbox();
    try {
      const asked = { ...params, ...(cursor === undefined ? {} : { from: cursor }) };
      const ended = await connect(url, asked, inbox, timeoutMs, signal);
      cursor ??= ended.from;
      try {
        for (;;) {
          const text = await inbox.next();
          if (text === null) break;
          const item = read(parse(url, text));
          failures = 0;
          cursor = item.next;
          yield item;
        }
      } finally {
        ended.close();
      }
    } catch (error) {
      if (!(error instanceof RpcError) || error.word !== 'unreachable') throw error;
      if (failures >= retries) throw error;
    }
    if (failures > 0) await pause(Math.min(RETRY_PAUSE_MAX_MS, RETRY_PAUSE_MS * 2 ** failures), signal);
    failures += 1;
  }
}

interface Inbox {
  put(text: string): boolean;
  /** No more will come; what is there is still given. */
  end(): void;
  next(): Promise<string | null>;
}

function createInbox(): Inbox {
  const waiting: string[] = [];
  let ended = false;
  let wake: () => void = () => {};
  return {
    put: (text) => {
      waiting.push(text);
      wake();
      return waiting.length < WAITING_MAX;
    },
    end: () => {
      ended = true;
      wake();
    },
    next: async () => {
      while (waiting.length === 0 && !ended) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return waiting.shift() ?? null;
    },
  };
}

/** Resolves when the node has agreed to the subscription; what comes after goes into the inbox. */
async function connect(
  url: string,
  params: object,
  inbox: Inbox,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<{ readonly from: Place; close(): void }> {
  const socket = await openSocket(url.replace(/^http/, 'ws'));
  const close = () => {
    socket.close();
    inbox.end();
  };
  return new Promise((resolve, reject) => {
    const unreachable = (why: string) => reject(new RpcError('unreachable', `${url}: ${why}`));
    const timer = setTimeout(() => {
      unreachable(`no answer within ${timeoutMs} ms`);
      close();
    }, timeoutMs);
    signal?.addEventListener('abort', close, { once: true });
    let agreed = false;
    socket.addEventListener('open', () => {
      socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'chain.subscribe', params }));
    });
    socket.addEventListener('message', ({ data }) => {
      const text = String(data);
      if (agreed) {
        if (!inbox.put(text)) close();
        return;
      }
      agreed = true;
      clearTimeout(timer);
      try {
        resolve({ from: agreedFrom(url, text), close });
      } catch (error) {
        reject(error);
        close();
      }
    });
    socket.addEventListener('error', () => unreachable('cannot be reached'));
    socket.addEventListener('close', () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', close);
      unreachable('closed the connection');
      inbox.end();
    });
    if (signal?.aborted === true) close();
  });
}

/** Node 20 has no WebSocket of its own. */
async function openSocket(url: string): Promise<SocketLike> {
  if (typeof globalThis.WebSocket === 'function') return new globalThis.WebSocket(url);
  const { WebSocket: Socket } = await import('ws');
  return new Socket(url) as unknown as SocketLike;
}

function agreedFrom(url: string, text: string): Place {
  const { result, error } = parse(url, text) as {
    readonly result?: { readonly from?: Place };
    readonly error?: { readonly message?: string; readonly data?: { readonly code?: unknown } };
  };
  if (result?.from !== undefined) return result.from;
  const word = error?.data?.code;
  if (!isErrorWord(word)) throw new RpcError('bad-answer', `${url}: no answer to chain.subscribe`);
  throw new RpcError(word, error?.message ?? errorTable[word].advice);
}

function parse(url: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RpcError('bad-answer', `${url}: this is not JSON`);
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, signal?.aborted === true ? 0 : ms);
    signal?.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
