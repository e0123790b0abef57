import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createBatcher, joinBatch, NetError, splitBatch } from '../../../net/index.js';

const limits = { messagesMax: 8, messageBytesMax: 100 };

function thrown(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error instanceof NetError ? error.code : error;
  }
}

describe('splitBatch', () => {
  it('gives back the messages that were joined', () => {
    const message = fc.uint8Array({ minLength: 1, maxLength: 100 });
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 8 }), (messages) => {
        expect(splitBatch(joinBatch(messages), limits)).toEqual(messages);
      }),
    );
  });

  it('refuses a batch that is cut anywhere but between messages', () => {
    const batch = joinBatch([Uint8Array.of(1, 2), Uint8Array.of(3)]);
    for (let length = 0; length < batch.length; length += 1) {
      const result = thrown(() => splitBatch(batch.subarray(0, length), limits));
      expect(result).toEqual(length === 6 ? [Uint8Array.of(1, 2)] : 'malformed');
    }
  });

  it('refuses empty messages, too large ones and too many', () => {
    const many = (count: number, bytes: number) =>
      thrown(() => splitBatch(joinBatch(Array.from({ length: count }, () => new Uint8Array(bytes))), limits));
    expect(many(1, 0)).toBe('malformed');
    expect(many(1, 101)).toBe('malformed');
    expect(many(9, 1)).toBe('malformed');
    expect(many(8, 100)).toHaveLength(8);
  });

  it('refuses a length that runs past the end without allocating it', () => {
    expect(
      thrown(() =>
        splitBatch(Uint8Array.of(255, 255, 255, 255, 1), { messagesMax: 8, messageBytesMax: 2 ** 32 }),
      ),
    ).toBe('malformed');
  });

  it('reads a batch that is a view into something larger, and copies out of it', () => {
    const batch = joinBatch([Uint8Array.of(7), Uint8Array.of(8, 9)]);
    const larger = new Uint8Array(batch.length + 6);
    larger.set(batch, 3);
    const messages = splitBatch(larger.subarray(3, 3 + batch.length), limits);
    larger.fill(0);
    expect(messages).toEqual([Uint8Array.of(7), Uint8Array.of(8, 9)]);
  });
});

describe('createBatcher', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function setUp(send?: () => void) {
    const sent: (readonly Uint8Array[])[] = [];
    const errors: unknown[] = [];
    const batcher = createBatcher({
      intervalMs: 20,
      bytesPerMs: 0.5,
      bytesMax: 20,
      send: send ?? ((batch) => sent.push(splitBatch(batch, limits))),
      onError: (error) => errors.push(error),
    });
    return { batcher, sent, errors };
  }

  it('sends the first at once, and what follows together after a pause that grows with the batch before', () => {
    const { batcher, sent } = setUp();
    batcher.add(Uint8Array.of(1));
    batcher.add(Uint8Array.of(2));
    expect(sent).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(sent).toEqual([[Uint8Array.of(1), Uint8Array.of(2)]]);
    // Two messages of one byte each, behind four bytes of length: 10 bytes, 20 ms.
    batcher.add(Uint8Array.of(3));
    vi.advanceTimersByTime(18);
    expect(sent.length).toBe(1);
    vi.advanceTimersByTime(2);
    expect(sent[1]).toEqual([Uint8Array.of(3)]);
    batcher.add(Uint8Array.of(4));
    vi.advanceTimersByTime(8);
    expect(sent.length).toBe(2);
    vi.advanceTimersByTime(2);
    expect(sent[2]).toEqual([Uint8Array.of(4)]);
    vi.advanceTimersByTime(100);
    expect(sent.length).toBe(3);
    batcher.add(Uint8Array.of(5));
    vi.advanceTimersByTime(1);
    expect(sent.length).toBe(4);
  });

  it('sends at once what the next message would not fit behind', () => {
    const { batcher, sent } = setUp();
    batcher.add(new Uint8Array(6));
    batcher.add(new Uint8Array(6));
    expect(sent).toEqual([]);
    batcher.add(new Uint8Array(1));
    expect(sent).toEqual([[new Uint8Array(6), new Uint8Array(6)]]);
    vi.advanceTimersByTime(20);
    expect(sent[1]).toEqual([new Uint8Array(1)]);
  });

  it('refuses what fits into no batch, and keeps what waits', () => {
    const { batcher, sent } = setUp();
    batcher.add(Uint8Array.of(1));
    expect(thrown(() => batcher.add(new Uint8Array(17)))).toBe('message-too-large');
    expect(thrown(() => batcher.add(new Uint8Array(0)))).toBe('malformed');
    batcher.flush();
    batcher.add(new Uint8Array(16));
    batcher.flush();
    expect(sent).toEqual([[Uint8Array.of(1)], [new Uint8Array(16)]]);
  });

  it('takes a copy of a message', () => {
    const { batcher, sent } = setUp();
    const message = Uint8Array.of(1);
    batcher.add(message);
    message[0] = 2;
    batcher.flush();
    expect(sent).toEqual([[Uint8Array.of(1)]]);
  });

  it('sends nothing after close, and nothing when nothing waits', () => {
    const { batcher, sent } = setUp();
    batcher.flush();
    batcher.add(Uint8Array.of(1));
    batcher.close();
    vi.advanceTimersByTime(100);
    expect([sent, vi.getTimerCount()]).toEqual([[], 0]);
  });

  it('reports what send throws from the timer, and throws it from flush', () => {
    const full = new NetError('queue-full', 'full');
    const { batcher, errors } = setUp(() => {
      throw full;
    });
    batcher.add(Uint8Array.of(1));
    vi.advanceTimersByTime(20);
    expect(errors).toEqual([full]);
    batcher.add(Uint8Array.of(1));
    expect(thrown(() => batcher.flush())).toBe('queue-full');
  });
});
