import { expect, it } from 'vitest';
import { createCloser } from '../../../../node/driver/closer.js';

it('a closer that was closed takes no job, and starts no thread for one', async () => {
  const closer = createCloser();
  await closer.close();
  await expect(closer.run({} as never)).rejects.toThrow('the closer was closed');
});
