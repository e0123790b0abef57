import { expect, it } from 'vitest';
import { createSharedAbort } from '../../../node/sharedAbort.js';

it('a shared signal is waited on by many, and nobody calls that a leak', async () => {
  const warnings: string[] = [];
  const note = ({ name }: Error): void => void warnings.push(name);
  process.on('warning', note);
  try {
    const { signal } = createSharedAbort();
    for (let each = 0; each < 100; each += 1) signal.addEventListener('abort', () => {});
    // Warnings are said in a turn of their own.
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings).toEqual([]);
  } finally {
    process.off('warning', note);
  }
});
