import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import type { Budget } from '../budget.js';
import type { RpcContext } from '../context.js';
import { dispatch, failure, type OnBug } from '../dispatch.js';
import { RpcError } from '../errors.js';
import type { RpcLimits } from '../limits.js';
import { originFault } from '../origin.js';
import { createSubscriptions } from './subscriptions.js';

export interface SocketDesk {
  readonly context: RpcContext;
  readonly limits: RpcLimits;
  readonly allowedHosts: readonly string[];
  readonly onBug: OnBug;
  readonly places: Budget;
  readonly isAdmin: (request: IncomingMessage) => boolean;
  readonly closing: AbortSignal;
}

/**
 * JSON-RPC over WebSocket at the path `/` of an HTTP server: the same methods, one message each, answered one after
 * another, and subscriptions. Bounds: sockets, a message, messages that wait, subscriptions; whoever does not answer
 * a ping is cut off.
 *
 * Source: RFC 6455, as `ws` has it.
 */
export function serveSockets(server: Server, desk: SocketDesk): void {
  const { limits, closing } = desk;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: limits.socketMessageBytesMax,
    perMessageDeflate: false,
  });
  server.on('upgrade', (request, stream, head) => {
    const refusal = refusalOf(desk, request, sockets.clients.size);
    if (refusal !== null) refuse(stream, refusal);
    else sockets.handleUpgrade(request, stream, head, (socket) => attend(desk, socket, request));
  });
  const beat = setInterval(() => {
    for (const socket of sockets.clients) checkAlive(socket);
  }, limits.socketPingMs).unref();
  closing.addEventListener(
    'abort',
    () => {
      clearInterval(beat);
      for (const socket of sockets.clients) socket.close(1001, 'the node is stopping');
      // Whoever does not say goodbye must not hold the node.
      setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate();
      }, limits.closeGraceMs).unref();
    },
    { once: true },
  );
}

function refusalOf(desk: SocketDesk, request: IncomingMessage, open: number): string | null {
  if (originFault(request.headers, desk.allowedHosts) !== null) return '403 Forbidden';
  if (request.url !== '/') return '404 Not Found';
  return open >= desk.limits.socketsMax || desk.closing.aborted ? '503 Service Unavailable' : null;
}

function refuse(stream: Duplex, status: string): void {
  stream.on('error', () => {});
  stream.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

const awaited = new WeakSet<WebSocket>();

/** No answer since the last ping: cut. */
function checkAlive(socket: WebSocket): void {
  if (awaited.has(socket)) {
    socket.terminate();
    return;
  }
  awaited.add(socket);
  socket.ping();
}

function attend(desk: SocketDesk, socket: WebSocket, request: IncomingMessage): void {
  const { limits } = desk;
  const fromLoopback = isLoopback(request.socket.remoteAddress ?? '');
  const isAdmin = desk.isAdmin(request);
  const gone = new AbortController();
  const send = (text: string): Promise<void> =>
    // A failed write is followed by 'close'; whoever waits for it then finds the signal.
    new Promise((resolve) => socket.send(text, () => resolve()));
  const subscriptions = createSubscriptions({
    context: desk.context,
    subscriptionsMax: limits.subscriptionsMax,
    send,
    onBug: (error) => {
      desk.onBug('chain.item', error);
      socket.close(1011, 'a bug of the node');
    },
  });
  const answer = async (data: RawData): Promise<void> => {
    if (gone.signal.aborted) return;
    if (!desk.places.take(1)) {
      await send(failure(new RpcError('busy', 'too many requests at once')).body!);
      return;
    }
    try {
      const scope = {
        context: desk.context,
        fromLoopback,
        isAdmin,
        waitsUntil: performance.now() + limits.waitMsMax,
        signal: AbortSignal.any([gone.signal, desk.closing]),
        subscriptions,
      };
      const { body } = await dispatch(data as Buffer, scope, limits, desk.onBug);
      if (body !== null) await send(body);
      subscriptions.start();
    } finally {
      desk.places.give(1);
    }
  };
  let waiting = 0;
  let work = Promise.resolve();
  socket.on('message', (data) => {
    waiting += 1;
    if (waiting > limits.socketQueueMax) {
      socket.close(1008, 'too many messages wait for their answers');
      return;
    }
    work = work
      .then(() => answer(data))
      .catch((error: unknown) => desk.onBug('socket', error))
      .finally(() => {
        waiting -= 1;
      });
  });
  socket.on('pong', () => awaited.delete(socket));
  // A broken frame, an oversized message: `ws` closes with the code that RFC 6455 has for it.
  socket.on('error', () => {});
  socket.on('close', () => {
    gone.abort();
    subscriptions.closeAll();
  });
}

export function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}
