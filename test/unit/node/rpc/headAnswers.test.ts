import { describe, expect, it } from 'vitest';
import type { RpcContext } from '../../../../node/rpc/context.js';
import { dispatch } from '../../../../node/rpc/dispatch.js';
import { recall, remember } from '../../../../node/rpc/headAnswers.js';
import { rpcLimits } from '../../../../node/rpc/limits.js';
import { createTestChain } from '../../../support/chain.js';

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

  it('are given to whoever asks the same, with an id of their own, and made anew for another head', async () => {
    const test = createTestChain({ hospitals: 4 });
    let asked = 0;
    const context = {
      head: () => {
        asked++;
        return test.tip;
      },
    } as unknown as RpcContext;
    const scope = { context, fromLoopback: true, waitsUntil: 0, signal: new AbortController().signal };
    const ask = async (id: number, method: string) => {
      const before = asked;
      const request = JSON.stringify({ jsonrpc: '2.0', id, method, params: {} });
      const { body } = await dispatch(Buffer.from(request), scope, rpcLimits, (_, error) => {
        throw error;
      });
      return { answer: JSON.parse(body!) as { id: number; result: object }, looks: asked - before };
    };
    const first = await ask(1, 'validator.list');
    const again = await ask(2, 'validator.list');
    expect(again.answer).toEqual({ ...first.answer, id: 2 });
    expect(again.looks).toBe(1); // whether the head is still the same, and no more
    expect((await ask(3, 'task.list')).answer.result).toEqual([]);
    test.block([]);
    const later = await ask(4, 'validator.list');
    expect(later.looks).toBe(first.looks);
    expect(later.answer.result).toMatchObject({ height: 1 });
  });
});
