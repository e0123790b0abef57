import { z } from 'zod';
import { encodeTransactionProof, proveTransaction } from '../../../audit/light/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { baseHeight } from '../../store/index.js';
import { RpcError } from '../errors.js';
import { bytesToBase64 } from '../json.js';
import { base64, bytes32, height } from '../schemas.js';
import { defineMethod } from './method.js';

export const proofTransaction = defineMethod({
  summary: 'Shows that a block holds a transaction, and what became of it, against the header’s two roots.',
  params: z.strictObject({ hash: bytes32 }),
  result: z.object({
    height,
    /** An encoded TransactionProof (audit/light/messages.ts). */
    proof: base64,
  }),
  run: ({ context }, { hash }) => {
    const place = context.store.transaction(hash);
    if (place === null)
      throw new RpcError(
        'not-found',
        `no block from height ${baseHeight(context.store) + 1} on, where those of this node begin, holds the transaction ${bytesToHex(hash)}`,
      );
    const { block, receipts } = context.store.block(place.height)!;
    const proof = proveTransaction(block.transactions, receipts, place.index);
    return { height: place.height, proof: bytesToBase64(encodeTransactionProof(proof)) };
  },
});
