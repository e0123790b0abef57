import { describe, expect, it } from 'vitest';
import type { RpcContext } from '../../../../node/rpc/context.js';
import { recall, remember } from '../../../../node/rpc/headAnswers.js';

function contextAt(): { context: RpcContext; next(): object } {
  let head = {};
  const context = { head: () => head } as unknown as RpcContext;
  return {
    context,
    next: () => {
      head = {};
      return head;
    },
  };
}

describe('answers of a head', () => {
  it('are kept until the next head, each context its own', () => {
    const [{ context, next }, other] = [contextAt(), contextAt()];
    remember(context, context.head(), 'task.get {"task":1}', 'one');
    expect(recall(context, 'task.get {"task":1}')).toBe('one');
    expect(recall(context, 'task.get {"task":2}')).toBe(null);
    expect(recall(other.context, 'task.get {"task":1}')).toBe(null);
    next();
    expect(recall(context, 'task.get {"task":1}')).toBe(null);
  });

  it('are not kept if a block came while they were made', () => {
    const { context, next } = contextAt();
    const before = context.head();
    next();
    remember(context, before, 'key', 'old');
    expect(recall(context, 'key')).toBe(null);
  });

  it('are bounded: entries, letters of all, letters of what asks', () => {
    const { context, next } = contextAt();
    const keep = (key: string, text: string) => {
      remember(context, context.head(), key, text);
      return recall(context, key) !== null;
    };
    expect(keep('k'.repeat(256), 'text')).toBe(true);
    expect(keep('k'.repeat(257), 'text')).toBe(false);
    next();
    expect(Array.from({ length: 512 }, (_, at) => keep(`${at}`, '')).every(Boolean)).toBe(true);
    expect(keep('512', '')).toBe(false);
    next();
    expect(keep('large', 'x'.repeat(4 * 1024 * 1024))).toBe(true);
    expect(keep('more', 'x')).toBe(false);
  });
});
