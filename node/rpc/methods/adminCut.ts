import { z } from 'zod';
import { RpcError } from '../errors.js';
import { hex32 } from '../schemas.js';
import { defineMethod } from './method.js';

export const adminCut = defineMethod({
  summary:
    'For whoever administers the node: no link with these validators until the next call. An empty list heals it.',
  params: z.strictObject({ validators: z.array(hex32).max(1_000) }),
  result: z.object({ cut: z.array(hex32) }),
  run: ({ context, isAdmin }, { validators }) => {
    if (isAdmin !== true) {
      throw new RpcError(
        'not-admin',
        'this takes the token of the node’s administration, from its own machine',
      );
    }
    if (context.cut === undefined) throw new RpcError('not-found', 'this node has no links');
    context.cut(validators);
    return { cut: validators };
  },
});
