import { z } from 'zod';
import { transactionHash } from '../../../chain/index.js';
import { signersOf } from '../../../consensus/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { baseHeight, belowBase, type StoredBlock } from '../../store/index.js';
import { RpcError } from '../errors.js';
import { bytes32, count, height, hex32, hexText } from '../schemas.js';
import { type CallScope, defineMethod } from './method.js';

const transactionForm = z.object({
  hash: hex32,
  from: hex32,
  contract: z.string(),
  method: z.string(),
  level: count,
  nonce: count,
  ok: z.boolean(),
  /** Why the contract refused it. */
  code: z.string().nullable(),
});

export const chainBlock = defineMethod({
  summary:
    'A block by its height (from 1) or hash: header, what became of its transactions, who certified it.',
  ofHead: true,
  params: z
    .strictObject({ height: height.optional(), hash: bytes32.optional() })
    .refine((params) => (params.height === undefined) !== (params.hash === undefined), {
      message: 'give either height or hash',
    }),
  result: z.object({
    hash: hex32,
    height,
    level: count,
    time: count,
    parent: hex32,
    leader: hex32.nullable(),
    seed: hex32,
    seedProof: hexText.nullable(),
    transactionsRoot: hex32,
    protocol: z.number().int(),
    receiptsRoot: hex32,
    parentVotesRoot: hex32,
    nextRingRoot: hex32,
    stateRoot: hex32,
    transactions: z.array(transactionForm),
    certificate: z.object({ period: count, signers: count }),
    /** The empty block of its height: nobody led it. */
    empty: z.boolean(),
  }),
  run: ({ context }, params) => {
    const wanted = params.hash === undefined ? params.height! : context.store.heightOf(params.hash);
    const stored = wanted === null ? null : context.store.block(wanted);
    if (stored === null) throw notFound(context, wanted);
    return { ...headerForm(stored), ...bodyForm(stored) };
  },
});

function headerForm({ block: { header }, hash }: StoredBlock) {
  return {
    hash: bytesToHex(hash),
    height: header.height,
    level: header.level,
    time: header.time,
    parent: bytesToHex(header.parent),
    leader: header.leader === null ? null : bytesToHex(header.leader),
    seed: bytesToHex(header.seed),
    seedProof: header.seedProof === null ? null : bytesToHex(header.seedProof),
    transactionsRoot: bytesToHex(header.transactionsRoot),
    protocol: header.protocol,
    receiptsRoot: bytesToHex(header.receiptsRoot),
    parentVotesRoot: bytesToHex(header.parentVotesRoot),
    nextRingRoot: bytesToHex(header.nextRingRoot),
    stateRoot: bytesToHex(header.stateRoot),
  };
}

function bodyForm({ block, certificate, receipts }: StoredBlock) {
  return {
    transactions: block.transactions.map((transaction, index) => {
      const { from, contract, method, level, nonce } = transaction;
      // The first receipt is that of the block's own beginning.
      const { ok, code } = receipts[index + 1]!;
      const hash = bytesToHex(transactionHash(transaction));
      return { hash, from: bytesToHex(from), contract, method, level, nonce, ok, code };
    }),
    certificate: { period: certificate.period, signers: signersOf(certificate).length },
    empty: block.header.leader === null,
  };
}

function notFound(context: CallScope['context'], wanted: number | null): RpcError {
  const head = context.head().height;
  if (wanted === null) {
    const from = baseHeight(context.store) + 1;
    return new RpcError('not-found', `no block of the heights ${from} to ${head} here has this hash`);
  }
  if (wanted > 0 && wanted <= baseHeight(context.store))
    return new RpcError('not-found', belowBase(context.store));
  if (wanted === 0) return new RpcError('not-found', 'height 0 is the genesis: ask chain.genesis');
  return new RpcError('not-found', `there is no block ${wanted} yet; the head is at ${head}`);
}
