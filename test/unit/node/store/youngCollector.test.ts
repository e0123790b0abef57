import { constants, type NodeGCPerformanceDetail, PerformanceObserver } from 'node:perf_hooks';
import { expect, it } from 'vitest';
import { createYoungCollector } from '../../../../node/store/youngCollector.js';

it('what was allocated lately is collected once for every 1,024 writes, by V8 itself', async () => {
  const asked: unknown[] = [];
  const counted = createYoungCollector((options) => void asked.push(options));
  for (const writes of [1_000, 23, 1, 1_023, 1, 5_000]) counted(writes);
  expect(asked).toEqual([{ type: 'minor' }, { type: 'minor' }, { type: 'minor' }]);

  const kinds: number[] = [];
  const seen = new Promise<void>((resolve) => {
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { kind } = (entry as unknown as { readonly detail: NodeGCPerformanceDetail }).detail;
        if (kind !== undefined) kinds.push(kind);
      }
      if (!kinds.includes(constants.NODE_PERFORMANCE_GC_MINOR)) return;
      observer.disconnect();
      resolve();
    });
    observer.observe({ entryTypes: ['gc'] });
  });
  createYoungCollector()(1_024);
  await seen;
  expect(kinds).toContain(constants.NODE_PERFORMANCE_GC_MINOR);
});
