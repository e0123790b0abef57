import { z } from 'zod';
import { limits } from '../../../chain/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { RpcError } from '../errors.js';
import { base64Bytes, hex32, transactionParam } from '../schemas.js';
import { defineMethod } from './method.js';

export const txSubmit = defineMethod({
  summary: 'Hands in a signed transaction with its payloads. Does not wait for a block: tx.get does.',
  params: z.strictObject({
    transaction: transactionParam,
    payloads: z.array(base64Bytes(limits.payloadBytesMax)).max(limits.payloadsPerTransactionMax).default([]),
  }),
  result: z.object({ hash: hex32 }),
  run: async ({ context }, { transaction, payloads }) => {
    const submitted = await context.submit(transaction, payloads);
    if (!submitted.ok) throw new RpcError(submitted.code, submitted.detail);
    return { hash: bytesToHex(submitted.hash) };
  },
});
