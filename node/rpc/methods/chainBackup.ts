import { z } from 'zod';
import { bytesToHex } from '../../../crypto/index.js';
import { StoreError } from '../../store/index.js';
import { RpcError } from '../errors.js';
import { height, hex32 } from '../schemas.js';
import { defineMethod } from './method.js';

/** The caller never says where: whoever may speak to the node must not make it write elsewhere. */
export const chainBackup = defineMethod({
  summary:
    'Makes a copy of the chain folder beside it, for `consilium chain backup`, which checks it and moves it away. From this machine only.',
  params: z.strictObject({}),
  result: z.object({ height, hash: hex32 }),
  run: async ({ context, fromLoopback }) => {
    if (!fromLoopback) throw new RpcError('not-allowed', 'a backup is asked for on the node’s own machine');
    const head = await context.store.backup().catch((error: unknown) => {
      if (error instanceof StoreError) throw new RpcError('busy', error.message, { cause: error });
      throw error;
    });
    return { height: head.height, hash: bytesToHex(head.hash) };
  },
});
