import { NetError } from './errors.js';

const LENGTH_BYTES = 4;

export interface Batcher {
  /** Fails with NetError "message-too-large" if it would not fit into an empty batch, "malformed" if it is empty. */
  add(message: Uint8Array): void;
  /** Sends what waits, now. */
  flush(): void;
  /** Drops what waits and the timer. */
  close(): void;
}

export interface BatcherOptions {
  /** Longest time between two batches, milliseconds; so no message waits longer either. */
  readonly intervalMs: number;
  /** After a batch of so many bytes the next waits a millisecond, after one of twice as many two. */
  readonly bytesPerMs: number;
  /** One batch, with its length prefixes. */
  readonly bytesMax: number;
  readonly send: (batch: Uint8Array) => void;
  /** Hears what `send` throws from the timer; from `add` and `flush` it is thrown on. Default: uncaught. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Joins small messages, so that gossip's cost a message is paid once a batch (30 KB batches carry 29k transactions/s
 * where single ones stop at 4k/s). What comes on a quiet network waits for nothing; the more there
 * is to send, the longer the pauses and the larger the batches, up to `intervalMs`. A batch leaves at once when the
 * next message would not fit. So at most `bytesMax` wait.
 */
export function createBatcher(options: BatcherOptions): Batcher {
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let timer: NodeJS.Timeout | null = null;
  let soon: NodeJS.Immediate | null = null;
  /** When the next batch may leave. */
  let nextAt = Number.NEGATIVE_INFINITY;

  function clear(): readonly Uint8Array[] {
    const messages = waiting;
    waiting = [];
    waitingBytes = 0;
    if (timer !== null) clearTimeout(timer);
    if (soon !== null) clearImmediate(soon);
    timer = null;
    soon = null;
    return messages;
  }

  function flush(): void {
    const messages = clear();
    if (messages.length === 0) return;
    const batch = joinBatch(messages);
    nextAt = performance.now() + Math.min(options.intervalMs, batch.length / options.bytesPerMs);
    options.send(batch);
  }

  function onTimer(): void {
    try {
      flush();
    } catch (error) {
      if (options.onError === undefined) throw error;
      options.onError(error);
    }
  }

  return {
    add(message) {
      const bytes = LENGTH_BYTES + message.length;
      if (bytes > options.bytesMax) {
        throw new NetError(
          'message-too-large',
          `message of ${message.length} bytes in batches of ${options.bytesMax}`,
        );
      }
      if (message.length === 0) throw new NetError('malformed', 'empty message');
      if (waitingBytes + bytes > options.bytesMax) flush();
      waiting.push(message.slice());
      waitingBytes += bytes;
      if (timer !== null || soon !== null) return;
      const pause = nextAt - performance.now();
      // A timer of nothing would still wait a millisecond.
      if (pause > 0) timer = setTimeout(onTimer, pause);
      else soon = setImmediate(onTimer);
    },
    flush,
    close() {
      clear();
    },
  };
}

/** A batch: each message behind its length, u32 big-endian. */
export function joinBatch(messages: readonly Uint8Array[]): Uint8Array {
  const batch = new Uint8Array(messages.reduce((bytes, message) => bytes + LENGTH_BYTES + message.length, 0));
  const view = new DataView(batch.buffer);
  let offset = 0;
  for (const message of messages) {
    view.setUint32(offset, message.length);
    batch.set(message, offset + LENGTH_BYTES);
    offset += LENGTH_BYTES + message.length;
  }
  return batch;
}

export interface BatchLimits {
  readonly messagesMax: number;
  readonly messageBytesMax: number;
}

/**
 * The messages of a batch, as copies. Fails with NetError "malformed" on an empty or cut batch, an empty message, or
 * one over the limits: a batch from a peer is taken whole or not at all.
 */
export function splitBatch(batch: Uint8Array, limits: BatchLimits): readonly Uint8Array[] {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  const messages: Uint8Array[] = [];
  let offset = 0;
  while (offset < batch.length) {
    if (messages.length === limits.messagesMax)
      throw new NetError('malformed', 'too many messages in a batch');
    if (batch.length - offset < LENGTH_BYTES) throw new NetError('malformed', 'batch ends in a length');
    const length = view.getUint32(offset);
    const start = offset + LENGTH_BYTES;
    if (length === 0 || length > limits.messageBytesMax) {
      throw new NetError('malformed', `message of ${length} bytes in a batch`);
    }
    if (length > batch.length - start) throw new NetError('malformed', 'batch ends in a message');
    messages.push(batch.slice(start, start + length));
    offset = start + length;
  }
  if (messages.length === 0) throw new NetError('malformed', 'empty batch');
  return messages;
}
