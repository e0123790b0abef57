import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { carriesToken } from '../adminToken.js';
import { readBody } from './body.js';
import { type Budget, createBudget } from './budget.js';
import type { RpcContext } from './context.js';
import { type Answer, dispatch, failure, type OnBug } from './dispatch.js';
import { RpcError, RpcServerError, type RpcServerFault } from './errors.js';
import { type RpcLimits, rpcLimits } from './limits.js';
import { originFault } from './origin.js';
import { PAGE_POLICY, type Page, readPages } from './pages.js';
import { prometheusText } from './prometheus.js';
import { isLoopback, serveSockets } from './socket/server.js';

export interface RpcServerOptions {
  readonly context: RpcContext;
  /** 0: any free port. */
  readonly port: number;
  /** Loopback unless told otherwise: there is no log-in, and no encryption. */
  readonly host?: string;
  /** Names, beside IP addresses and localhost, by which this node may be called. Lower case. */
  readonly allowedHosts?: readonly string[];
  readonly limits?: Partial<RpcLimits>;
  /** A folder whose files are served to browsers: a page that asks this very node. Read once, at the start. */
  readonly pages?: string;
  /** Whoever shows it, from this machine, administers the node. Left out: nobody does. */
  readonly adminToken?: string;
  readonly onBug?: OnBug;
}

export interface RpcServer {
  readonly url: string;
  readonly port: number;
  /** Ends waits, lets running requests finish within `closeGraceMs`, then cuts. Idempotent. */
  close(): Promise<void>;
}

interface Desk {
  readonly context: RpcContext;
  readonly limits: RpcLimits;
  readonly allowedHosts: readonly string[];
  readonly pages: ReadonlyMap<string, Page>;
  readonly isAdmin: (request: IncomingMessage) => boolean;
  readonly onBug: OnBug;
  readonly places: Budget;
  readonly buffered: Budget;
  readonly closing: AbortSignal;
}

/**
 * Listens for JSON-RPC on POST / and on WebSockets there, and answers GET /healthz (503: the store has failed), /readyz (503: it says why), /metrics and what `pages` has. Throws RpcServerError, and
 * what `readPages` throws.
 */
export async function startRpcServer(options: RpcServerOptions): Promise<RpcServer> {
  const limits: RpcLimits = { ...rpcLimits, ...options.limits };
  const closing = new AbortController();
  const desk: Desk = {
    context: options.context,
    limits,
    allowedHosts: options.allowedHosts ?? [],
    pages: options.pages === undefined ? new Map() : readPages(options.pages),
    isAdmin: adminsOf(options.adminToken),
    onBug: options.onBug ?? (() => {}),
    places: createBudget(limits.requestsMax),
    buffered: createBudget(limits.bufferedBytesMax),
    closing: closing.signal,
  };
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.min(5_000, limits.headersTimeoutMs),
    },
    (request, response) => void receive(desk, request, response),
  );
  server.maxConnections = limits.connectionsMax;
  server.timeout = limits.idleTimeoutMs;
  server.on('clientError', refuseBrokenHttp);
  serveSockets(server, desk);
  const unused = trackUnused(server);
  const host = options.host ?? '127.0.0.1';
  await listen(server, host, options.port);
  const { port } = server.address() as AddressInfo;
  let closed: Promise<void> | null = null;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    close: () => {
      closed ??= close(server, unused, closing, limits.closeGraceMs);
      return closed;
    },
  };
}

function adminsOf(token: string | undefined): (request: IncomingMessage) => boolean {
  if (token === undefined) return () => false;
  return ({ headers, socket }) =>
    isLoopback(socket.remoteAddress ?? '') && carriesToken(headers.authorization, token);
}

async function receive(desk: Desk, request: IncomingMessage, response: ServerResponse): Promise<void> {
  // A socket that breaks while we write is the peer's affair; 'close' follows.
  response.on('error', () => {});
  if (!desk.places.take(1)) {
    send(desk, response, failure(new RpcError('busy', 'too many requests at once'), 503), true);
    return;
  }
  try {
    const fault = originFault(request.headers, desk.allowedHosts);
    if (fault !== null) send(desk, response, failure(fault, 403), true);
    else if (request.method === 'POST') await receiveCall(desk, request, response);
    else receiveGet(desk, request, response);
  } catch (error) {
    desk.onBug(`${request.method} ${request.url}`, error);
    response.destroy();
  } finally {
    desk.places.give(1);
  }
}

async function receiveCall(desk: Desk, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { limits, buffered } = desk;
  const fromLoopback = isLoopback(request.socket.remoteAddress ?? '');
  const fault = httpFault(request);
  if (fault !== null) {
    send(desk, response, fault, true);
    return;
  }
  const body = await readBody(request, limits, buffered).catch((error: unknown) => {
    if (error instanceof RpcError) return error;
    throw error;
  });
  if (body instanceof RpcError) {
    if (body.word === 'cancelled') response.destroy();
    else send(desk, response, failure(body, body.word === 'busy' ? 503 : 413), true);
    return;
  }
  try {
    const signal = signalOf(response, desk.closing);
    const scope = {
      context: desk.context,
      fromLoopback,
      isAdmin: desk.isAdmin(request),
      waitsUntil: performance.now() + limits.waitMsMax,
      get signal() {
        return signal();
      },
    };
    send(desk, response, await dispatch(body.bytes, scope, limits, desk.onBug), false);
  } finally {
    buffered.give(body.taken);
  }
}

/** One for all, since a reason of its own each time is an exception with its stack. */
const GONE = new RpcError('cancelled', 'the caller has gone');

/** Made when it is asked for: most calls wait for nothing, and signals would be a third of their cost. */
function signalOf(response: ServerResponse, closing: AbortSignal): () => AbortSignal {
  let signal: AbortSignal | undefined;
  return () => {
    if (signal !== undefined) return signal;
    const gone = new AbortController();
    if (response.closed) gone.abort(GONE);
    else response.once('close', () => gone.abort(GONE));
    signal = AbortSignal.any([gone.signal, closing]);
    return signal;
  };
}

/** A JSON content type makes browsers ask first, and nobody answers them: a form or a script tag can't call us. */
function httpFault({ url, headers }: IncomingMessage): Answer | null {
  if (url !== '/') return failure(new RpcError('wrong-http', 'calls go to the path /'), 404);
  const [type = ''] = (headers['content-type'] ?? '').split(';');
  if (type.trim().toLowerCase() !== 'application/json') {
    return failure(new RpcError('wrong-http', 'the content type is not application/json'), 415);
  }
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    return failure(new RpcError('wrong-http', 'the body is compressed'), 415);
  }
  return null;
}

function receiveGet(desk: Desk, request: IncomingMessage, response: ServerResponse): void {
  const { method, url } = request;
  const page = method === 'GET' ? desk.pages.get(url?.split('?')[0] ?? '') : undefined;
  if (page !== undefined) {
    response.setHeader('content-security-policy', PAGE_POLICY);
    send(desk, response, { status: 200, body: page.bytes }, false, page.type);
  } else if (method !== 'GET' || url === '/') {
    response.setHeader('allow', url === '/' ? 'POST' : 'GET');
    send(desk, response, failure(new RpcError('wrong-http', 'calls are POST requests'), 405), true);
  } else if (url === '/healthz') {
    const { height } = desk.context.head();
    const ok = desk.context.health().checks.every((check) => check.name !== 'store' || check.ok);
    send(desk, response, { status: ok ? 200 : 503, body: JSON.stringify({ ok, height }) }, false);
  } else if (url === '/readyz') {
    const health = desk.context.health();
    send(desk, response, { status: health.ready ? 200 : 503, body: JSON.stringify(health) }, false);
  } else if (url === '/metrics') {
    const body = prometheusText(desk.context);
    send(desk, response, { status: 200, body }, false, 'text/plain; version=0.0.4; charset=utf-8');
  } else {
    send(desk, response, failure(new RpcError('wrong-http', 'there is no such page'), 404), true);
  }
}

/** `last`: the connection ends with this answer, since what the peer still sends is not read. */
function send(
  desk: Desk,
  response: ServerResponse,
  answer: Omit<Answer, 'body'> & { readonly body: string | Uint8Array | null },
  last: boolean,
  type = 'application/json',
): void {
  if (response.destroyed) return;
  if (last || desk.closing.aborted) response.setHeader('connection', 'close');
  if (answer.body === null) {
    response.writeHead(answer.status).end();
    return;
  }
  const bytes = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body;
  if (bytes.length > desk.limits.smallBytesMax) {
    if (!desk.buffered.take(bytes.length)) {
      const busy = failure(new RpcError('busy', 'too many large answers at once'), 503);
      send(desk, response, busy, last);
      return;
    }
    response.once('close', () => desk.buffered.give(bytes.length));
  }
  response.setHeader('content-type', type);
  response.setHeader('content-length', bytes.length);
  response.setHeader('cache-control', 'no-store');
  response.setHeader('x-content-type-options', 'nosniff');
  response.writeHead(answer.status).end(bytes);
}

function refuseBrokenHttp(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const status =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

const listenFaults: Readonly<Record<string, { readonly code: RpcServerFault; readonly say: string }>> = {
  EADDRINUSE: { code: 'port-in-use', say: 'is in use; stop what listens there, or choose another port' },
  EADDRNOTAVAIL: { code: 'address-unavailable', say: 'is not an address of this machine' },
  ENOTFOUND: { code: 'address-unavailable', say: 'is not a known name' },
  EACCES: { code: 'not-permitted', say: 'needs rights that this process lacks; choose a port above 1023' },
};

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: NodeJS.ErrnoException) => {
      const { code, say } = listenFaults[cause.code ?? ''] ?? { code: 'listen-failed', say: cause.message };
      reject(new RpcServerError(code, `${host}:${port} ${say}`, { cause }));
    };
    server.once('error', failed);
    server.listen({ host, port }, () => {
      server.off('error', failed);
      resolve();
    });
  });
}

const SWEEP_MS = 20;

/** Sockets that have never carried a request: `closeIdleConnections` takes them for busy. */
function trackUnused(server: Server): ReadonlySet<Socket> {
  const unused = new Set<Socket>();
  server.on('connection', (socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  server.on('request', ({ socket }) => unused.delete(socket));
  server.on('upgrade', ({ socket }) => unused.delete(socket));
  return unused;
}

function close(
  server: Server,
  unused: ReadonlySet<Socket>,
  closing: AbortController,
  graceMs: number,
): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    // A kept-alive connection may become idle only after its last answer has left.
    const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
    server.close(() => {
      clearTimeout(cut);
      clearInterval(sweep);
      resolve();
    });
    closing.abort();
    server.closeIdleConnections();
    for (const socket of unused) socket.destroy();
  });
}
