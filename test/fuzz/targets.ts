import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  encodeStateEntry,
  follow,
  type LightHead,
  lightChain,
  lightStart,
  provedState,
  startCodec,
  stateEntryCodec,
  stepCodec,
  transactionProofCodec,
  verifyTransactionProof,
} from '../../audit/light/index.js';
import {
  anyNode,
  blockCodec,
  certificateCodec,
  DecodeError,
  decode,
  decodeBlock,
  decodeCertificate,
  decodeReceipt,
  decodeTransaction,
  decodeVote,
  encode,
  encodeHeader,
  encodeVote,
  headerCodec,
  PAYLOAD_CHUNK_BYTES,
  payloadId,
  receiptCodec,
  stateProofCodec,
  transactionCodec,
  verifyStateProof,
} from '../../chain/index.js';
import { newestProtocol, protocols } from '../../contracts/index.js';
import { concatBytes, openKeystore, sealKeystore, sha256 } from '../../crypto/index.js';
import {
  decodeEntropy,
  decodeWeights,
  encodeEntropy,
  packUpdate,
  parameterCount,
  unpackUpdate,
} from '../../fl/index.js';
import { parseGenesis } from '../../genesis/index.js';
import {
  type ChunkRequest,
  chunkResponder,
  decodeChunkRequest,
  encodeChunkRequest,
  partlyResponse,
  readChunkResponse,
  responseInSlot,
} from '../../net/chunk.js';
import { joinBatch, NetError, splitBatch } from '../../net/index.js';
import { decodeMessage, decodeProposal, encodeMessage, encodeProposal } from '../../node/driver/message.js';
import {
  encodeDecided,
  encodeRange,
  encodeRangeRequest,
  readDecided,
  readEntry,
  readRange,
  readRangeRequest,
} from '../../node/driver/range.js';
import { openEnvelope, packEnvelope, transactionBatch } from '../../node/envelope.js';
import { readCar, writeCar } from '../../node/export/car.js';
import { ExportError } from '../../node/export/error.js';
import { dispatch } from '../../node/rpc/dispatch.js';
import { base64ToBytes, bytesToBase64, type RpcContext, rpcLimits } from '../../node/rpc/index.js';
import { methods } from '../../node/rpc/methods/index.js';
import { decodeFrame, encodeFrame } from '../../node/store/frame.js';
import { taskSpec } from '../support/chain.js';
import { type Corpus, createCorpus } from './corpus.js';
import { dataTargets } from './dataTargets.js';
import { joiningTargets } from './joiningTargets.js';
import type { Taken, Target } from './run.js';
import { storedTargets } from './storedTargets.js';
import { again, coded, MESSAGE_MAX, take, word } from './taking.js';

const text = new TextEncoder();

/** Every decoder that reads what strangers, peers, callers or disks give. */
export async function createTargets(context: RpcContext, folder: string): Promise<readonly Target[]> {
  const corpus = createCorpus();
  return [
    ...chainTargets(corpus),
    ...networkTargets(corpus),
    ...lightTargets(corpus),
    ...nodeTargets(corpus),
    rpcTarget(context),
    await carTarget(corpus, folder),
    keystoreTarget(),
    ...storedTargets(corpus, folder),
    ...joiningTargets(corpus),
    ...dataTargets(),
  ];
}

function chainTargets(corpus: Corpus): readonly Target[] {
  const { chainId } = corpus.test.chain;
  const args = corpus.test.blocks.flatMap(({ block }) =>
    block.transactions.map((each) => encode(anyNode, each.args)),
  );
  // No task of the played chain has its text sealed.
  const { publisher: from } = corpus.test;
  const sealed = { spec: taskSpec({ title: '' }), content: new Uint8Array(99) };
  const call = { from, contract: 'tasks', method: 'publishSealed', level: 1, args: sealed };
  args.push(encode(anyNode, corpus.test.sign(call).transaction.args));
  const { contracts } = protocols.get(newestProtocol)!;
  const calls = contracts.flatMap(({ name, methods: each }) =>
    Object.entries(each).map(([method, { args: codec }]) => coded(`call ${name}.${method}`, codec, args, 1)),
  );
  return [
    { name: 'block', weight: 8, corpus: corpus.blocks, take: take(decodeBlock, again(blockCodec)) },
    {
      name: 'transaction',
      weight: 8,
      corpus: corpus.transactions,
      take: take(decodeTransaction, again(transactionCodec)),
    },
    {
      name: 'vote',
      weight: 4,
      corpus: corpus.votes,
      take: (raw) => {
        const decoded = decodeVote(chainId, raw);
        return decoded.ok ? encodeVote(chainId, decoded.vote) : 'refused';
      },
    },
    {
      name: 'certificate',
      weight: 4,
      corpus: corpus.certificates,
      take: take(decodeCertificate, again(certificateCodec)),
    },
    { name: 'receipt', weight: 4, corpus: corpus.receipts, take: take(decodeReceipt, again(receiptCodec)) },
    coded(
      'header',
      headerCodec,
      corpus.test.blocks.map(({ block }) => encodeHeader(block.header)),
    ),
    coded('any value', anyNode, [...corpus.blocks, ...corpus.transactions]),
    ...calls,
    { name: 'genesis', weight: 2, corpus: [corpus.genesisText], take: takeGenesis },
  ];
}

function takeGenesis(raw: Uint8Array): Taken {
  const parsed = parseGenesis(new TextDecoder().decode(raw));
  if (!parsed.ok) return 'refused';
  // Its text has no one form; what is parsed from the parsed is the same.
  const second = parseGenesis(JSON.stringify(parsed.genesis));
  if (!second.ok || JSON.stringify(second.genesis) !== JSON.stringify(parsed.genesis))
    throw new Error('a genesis that was parsed parses to another');
  return 'accepted';
}

function networkTargets(corpus: Corpus): readonly Target[] {
  const { test, payloads, transactions, votes } = corpus;
  const envelopes = test.blocks.flatMap(({ block }) =>
    block.transactions.map((each) => packEnvelope(each, test.payloadOf)),
  );
  const proposals = test.blocks.slice(0, 4).map(({ block }) => ({ block, signature: new Uint8Array(64) }));
  const messages = [
    ...proposals.map((proposal) => encodeMessage({ kind: 'proposal', proposal })),
    encodeMessage({ kind: 'votes', votes }),
    encodeMessage({ kind: 'status', status: { height: 7, hash: new Uint8Array(32), period: 3 } }),
  ];
  const range = test.entries.map(({ block, certificate }) => ({ block, certificate }));
  const chunked = test.blocks.flatMap(({ block }) => block.transactions.flatMap((each) => each.payloads));
  const requests: ChunkRequest[] = chunked.map(({ id, size }) => ({ id, size, index: 0 }));
  const responses = payloads.map((payload) => chunkResponder(payload)(0));
  const large = new Uint8Array(2 * PAYLOAD_CHUNK_BYTES + 9).fill(7);
  const ofLarge: ChunkRequest = { id: payloadId(large), size: large.length, index: 2 };
  const entry = range[0]!;
  return [
    { name: 'gossip message', weight: 8, corpus: messages, take: take(decodeMessage, encodeMessage) },
    {
      name: 'proposal',
      weight: 4,
      corpus: proposals.map(encodeProposal),
      take: take(decodeProposal, encodeProposal),
    },
    {
      name: 'envelope',
      weight: 6,
      corpus: envelopes,
      take: take(
        openEnvelope,
        ({ transaction, payloads: carried }) => joinBatch([again(transactionCodec)(transaction), ...carried]),
        [DecodeError, NetError],
      ),
    },
    {
      name: 'batch',
      weight: 4,
      corpus: [joinBatch(envelopes), joinBatch(transactions)],
      take: take((raw) => splitBatch(raw, transactionBatch), joinBatch, [NetError]),
    },
    {
      name: 'chunk request',
      weight: 2,
      corpus: requests.map(encodeChunkRequest),
      take: take(decodeChunkRequest, encodeChunkRequest, [NetError]),
    },
    {
      name: 'chunk response',
      weight: 2,
      corpus: responses,
      take: (raw) => (readChunkResponse(raw, requests[0]!).kind === 'chunk' ? 'accepted' : 'refused'),
    },
    {
      name: 'chunk in its slot',
      weight: 2,
      corpus: [chunkResponder(large)(2), partlyResponse(Uint8Array.of(5)), new Uint8Array(0)],
      take: (raw) => {
        const answer = readChunkResponse(raw, ofLarge);
        const stored = readChunkResponse(
          responseInSlot(concatBytes(raw, new Uint8Array(9)), ofLarge),
          ofLarge,
        );
        if (answer.kind === 'chunk' && stored.kind !== 'chunk') throw new Error('a slot loses its chunk');
        if (answer.kind !== 'not-held') return answer.kind === 'chunk' ? 'accepted' : 'refused';
        return answer.has === null ? new Uint8Array(0) : partlyResponse(answer.has);
      },
    },
    {
      name: 'range request',
      weight: 2,
      corpus: [encodeRangeRequest(7, 1_000_000)],
      take: take(readRangeRequest, ({ from, bytesMax }) => encodeRangeRequest(from, bytesMax)),
    },
    {
      name: 'range',
      weight: 4,
      corpus: [encodeRange(range.slice(0, 3)), encodeRange([])],
      take: take(readRange, (entries) => {
        for (const each of entries) readEntry(each);
        return encodeRange(entries);
      }),
    },
    {
      name: 'decided block',
      weight: 2,
      corpus: [encodeDecided({ at: 9, from: 1, entry })],
      take: take(readDecided, encodeDecided),
    },
  ];
}

function lightTargets(corpus: Corpus): readonly Target[] {
  const { chain, head } = lightChain(corpus.test.genesis);
  const { blocks } = corpus.test;
  const ledTo = (height: number): LightHead => {
    const led = follow(chain, head, corpus.steps[height - 1]!);
    if (!led.ok) throw new Error(led.detail);
    return led.head;
  };
  const block = ledTo(blocks.length).block!;
  const busy = ledTo(blocks.findIndex((each) => each.block.transactions.length > 0) + 1).block!;
  const known = { height: 1, hash: ledTo(1).hash };
  const entries = corpus.entries.map(encodeStateEntry);
  const proofs = corpus.entries.map(({ proof }) => encode(stateProofCodec, proof));
  return [
    coded('light step', stepCodec, corpus.steps, 2),
    coded('light start', startCodec, corpus.starts, 2),
    coded('state entry', stateEntryCodec, entries, 2),
    coded('transaction proof', transactionProofCodec, corpus.transactionProofs, 2),
    {
      name: 'state proof',
      weight: 4,
      corpus: proofs,
      take: take(
        (raw) => decode(stateProofCodec, raw, MESSAGE_MAX),
        (proof) => {
          verifyStateProof({ root: block.header.stateRoot, key: 'params', value: null, proof });
          return again(stateProofCodec)(proof);
        },
      ),
    },
    // Whole checks: whatever is not the chain's own is refused with a reason.
    { name: 'follow', weight: 1, corpus: corpus.steps, take: (raw) => word(follow(chain, head, raw)) },
    { name: 'begin', weight: 1, corpus: corpus.starts, take: (raw) => word(lightStart(chain, known, raw)) },
    {
      name: 'included',
      weight: 1,
      corpus: corpus.transactionProofs,
      take: (raw) => word(verifyTransactionProof(busy, raw)),
    },
    {
      name: 'state',
      weight: 1,
      corpus: entries,
      take: (raw) => word(provedState(block, ['params'], [raw])),
    },
  ];
}

function nodeTargets(corpus: Corpus): readonly Target[] {
  const { entries, payloads } = corpus;
  const dimension = parameterCount(taskSpec().model);
  const put = [
    { key: 'vote', value: entries[0]!.value ?? new Uint8Array(3) },
    { key: 'own', value: corpus.votes[0]! },
  ];
  const body = { head: { height: 6, hash: sha256() }, writes: 12, height: 7, drop: ['old'], put };
  const frames = [null, { through: null }, { through: 9 }].map((abstention, i) =>
    encodeFrame(3, i, { ...body, abstention }),
  );
  const reader = (raw: Uint8Array) => (at: number, length: number) => raw.subarray(at, at + length);
  return [
    {
      name: 'journal frame',
      weight: 4,
      corpus: frames,
      take: (raw) => {
        const frame = decodeFrame(reader(raw));
        if (frame === null) return 'refused';
        const { generation, index, body: read, size } = frame;
        // What follows a frame in its file is no part of it.
        if (size > raw.length) return 'accepted';
        const written = encodeFrame(generation, index, read);
        const same = Buffer.compare(written.subarray(0, 48), raw.subarray(0, 48)) === 0;
        if (!same) throw new Error('a frame that was read is written otherwise');
        return 'accepted';
      },
    },
    {
      name: 'noised update',
      weight: 4,
      corpus: payloads.filter((payload) => decodeEntropy(payload, dimension).ok),
      take: (raw) => {
        const decoded = decodeEntropy(raw, dimension);
        return decoded.ok ? encodeEntropy(decoded.wire) : 'refused';
      },
    },
    {
      name: 'update',
      weight: 4,
      corpus: payloads.flatMap((payload) => {
        const decoded = decodeEntropy(payload, dimension);
        return decoded.ok ? [packUpdate(decoded.wire)] : [];
      }),
      take: (raw) => {
        const unpacked = unpackUpdate(raw, dimension);
        return unpacked.ok ? packUpdate(unpacked.wire) : 'refused';
      },
    },
    {
      name: 'weights',
      weight: 1,
      corpus: [new Uint8Array(4 * dimension)],
      take: (raw) => (decodeWeights(raw, dimension) === null ? 'refused' : 'accepted'),
    },
    {
      name: 'base64',
      weight: 1,
      corpus: corpus.votes.map((vote) => text.encode(bytesToBase64(vote))),
      take: (raw) => {
        const given = new TextDecoder('latin1').decode(raw);
        const bytes = base64ToBytes(given);
        if (bytes !== null && bytesToBase64(bytes) !== given) throw new Error('base64 has a second form');
        return bytes === null ? 'refused' : 'accepted';
      },
    },
  ];
}

/** Bodies of requests, into every method, on a node with a real chain. */
function rpcTarget(context: RpcContext): Target {
  const hash = '0'.repeat(64);
  const params = [
    {},
    { height: 1 },
    { hash },
    { from: 1, to: 3 },
    { keys: ['params'] },
    { task: 1 },
    { task: 1, from: 1, waitMs: 0 },
    { publicKey: hash },
    { device: hash, dataset: hash },
    { transaction: bytesToBase64(encode(anyNode, [])), payloads: [] },
    { id: hash },
  ];
  const corpus = Object.keys(methods).flatMap((method, id) =>
    params.map((each) => text.encode(JSON.stringify({ jsonrpc: '2.0', id, method, params: each }))),
  );
  corpus.push(text.encode(`[${new TextDecoder().decode(corpus[1])}]`));
  const signal = new AbortController().signal;
  return {
    name: 'RPC body',
    weight: 4,
    corpus,
    later: true,
    take: async (raw) => {
      const bugs: unknown[] = [];
      const scope = { context, fromLoopback: true, waitsUntil: 0, signal };
      const answer = await dispatch(Buffer.from(raw), scope, rpcLimits, (_, error) => bugs.push(error));
      if (bugs.length > 0) throw bugs[0];
      return answer.body?.includes('"result"') ? 'accepted' : 'refused';
    },
  };
}

async function carTarget(corpus: Corpus, folder: string): Promise<Target> {
  const file = join(folder, 'chain.car');
  const { entries } = corpus.test;
  await writeCar(
    file,
    corpus.test.chain.chainId,
    entries.at(-1)!.block,
    (async function* () {
      for (const entry of entries) yield { kind: 'entry' as const, entry };
    })(),
  );
  const { readFile } = await import('node:fs/promises');
  const whole = new Uint8Array(await readFile(file));
  await rm(file);
  const altered = join(folder, 'altered.car');
  return {
    name: 'CAR file',
    weight: 1,
    corpus: [whole],
    later: true,
    take: async (raw) => {
      await writeFile(altered, raw);
      try {
        for await (const entry of readCar(altered)) void entry;
        return 'accepted';
      } catch (error) {
        if (error instanceof ExportError) return 'refused';
        throw error;
      }
    },
  };
}

/** Its key costs 80 ms and 32 MiB by design, once the form is right: tried with one in ten altered ones. */
function keystoreTarget(): Target {
  const sealed = sealKeystore({
    password: 'a password',
    salt: new Uint8Array(16),
    nonce: new Uint8Array(12),
    secrets: { sign: sha256() },
  });
  const valid = text.encode(JSON.stringify(sealed));
  return {
    name: 'keystore',
    weight: 1,
    corpus: [valid],
    take: (raw) => {
      let file: unknown;
      try {
        file = JSON.parse(new TextDecoder().decode(raw));
      } catch {
        return 'refused';
      }
      const isTried = Buffer.compare(raw, valid) === 0 || sha256(raw)[0]! < 26;
      return isTried ? word(openKeystore(file, 'a password')) : 'refused';
    },
  };
}
