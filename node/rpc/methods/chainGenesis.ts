import { z } from 'zod';
import { defineMethod } from './method.js';

export const chainGenesis = defineMethod({
  summary: 'The genesis file that this chain began with.',
  params: z.strictObject({}),
  result: z.object({ genesis: z.string() }),
  run: ({ context }) => ({ genesis: context.genesisText }),
});
