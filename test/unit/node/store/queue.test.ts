import { describe, expect, it } from 'vitest';
import { createQueue, together } from '../../../../node/store/queue.js';

/** A queue whose work ends when the test says so, and the batches that it was given. */
function held() {
  const inOrder = createQueue();
  const ends: ((error?: Error) => void)[] = [];
  const batches: (readonly number[])[] = [];
  const write = together(inOrder, (items: readonly number[]) => {
    batches.push(items);
    return new Promise<void>((resolve, reject) => {
      ends.push((error) => (error === undefined ? resolve() : reject(error)));
    });
  });
  return { inOrder, ends, batches, write };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('what is written together', () => {
  it('is what was handed in while the write before was under way, in its order', async () => {
    const { ends, batches, write } = held();
    const first = write([1]);
    await settled();
    const [second, third] = [write([2, 3]), write([4])];
    await settled();
    expect(batches).toEqual([[1]]);
    ends[0]!();
    await first;
    await settled();
    expect(batches).toEqual([[1], [2, 3, 4]]);
    ends[1]!();
    await Promise.all([second, third]);
  });

  it('fails together, and alone', async () => {
    const { ends, batches, write } = held();
    const first = write([1]);
    await settled();
    const both = Promise.allSettled([write([2]), write([3])]);
    ends[0]!();
    await first;
    await settled();
    ends[1]!(new Error('no space'));
    expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const next = write([4]);
    await settled();
    ends[2]!();
    await next;
    expect(batches).toEqual([[1], [2, 3], [4]]);
  });

  it('keeps its place among other work of the queue', async () => {
    const { inOrder, ends, write } = held();
    const done: string[] = [];
    void write([1]);
    await settled();
    const all = [
      write([2]).then(() => done.push('2')),
      inOrder(async () => void done.push('between')),
      write([3]).then(() => done.push('3')),
    ];
    ends[0]!();
    await settled();
    expect(done).toEqual([]);
    ends[1]!();
    await Promise.all(all);
    expect(done).toEqual(expect.arrayContaining(['2', 'between', '3']));
  });
});
