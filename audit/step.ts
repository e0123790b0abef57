import {
  asVerified,
  type Block,
  DecodeError,
  decodeBlock,
  decodeCertificate,
  encodeTransaction,
  readState,
  type Transaction,
  type VerifiedTransaction,
} from '../chain/index.js';
import {
  type CertificateFault,
  type Judged,
  judgeBlock,
  judgeEmpty,
  nextCommittee,
  type RingSeat,
  signersOf,
  type Tip,
  verifyCertificate,
} from '../consensus/index.js';
import { type Closings, closingJob, dueClosings, runClosing } from '../contracts/index.js';
import { bytesToHex, concatBytes, equalBytes } from '../crypto/index.js';
import type { RoundOutcome } from '../fl/index.js';
import type { ChainStart } from '../genesis/index.js';
import { neededPayloads, type Payloads, takePayloads } from './payloads.js';
import type { ProofClaim } from './proofs.js';
import type { Checked, Divergence } from './report.js';

/** One height of an exported chain: encoded block and certificate, and the payloads that the block announces. */
export interface ReplayEntry {
  readonly block: Uint8Array;
  readonly certificate: Uint8Array;
  /** In the order of the block; null for one that the source says it has pruned. */
  readonly payloads: readonly (Uint8Array | null)[];
}

/** Where a replay stands: data that is never changed, so keeping one is a snapshot to go on from. */
export interface ReplayState {
  readonly tip: Tip;
  /** The payloads of the open rounds. */
  readonly payloads: Payloads;
}

/** `check`: the proofs too. `defer`: they come out as a claim, and until that is checked the step proves nothing. */
export type ProofMode = 'check' | 'defer';

export type Step =
  | {
      readonly ok: true;
      readonly state: ReplayState;
      readonly judged: Judged;
      readonly claim: ProofClaim;
      readonly counted: Partial<Checked>;
    }
  | { readonly ok: false; readonly divergence: Divergence };

/** Block and certificate of an entry, or why they are none. */
export function decodeEntry(
  entry: ReplayEntry,
): { readonly block: Block; readonly certificate: ReturnType<typeof decodeCertificate> } | string {
  try {
    return { block: decodeBlock(entry.block), certificate: decodeCertificate(entry.certificate) };
  } catch (error) {
    if (error instanceof DecodeError) return error.message;
    throw error;
  }
}

/**
 * Replays one height on top of a state, believing nothing: parent, seed, committee, certificate, every signature,
 * every transaction executed again, every verdict and model computed again from the updates, every root compared.
 *
 * Every payload has to be there. The first thing that is wrong is the same in either mode.
 */
export function replayEntry(
  chain: ChainStart,
  { tip, payloads: held }: ReplayState,
  entry: ReplayEntry,
  proofs: ProofMode,
): Step {
  const fail = (reason: string, detail: string, at: Partial<Divergence> = {}): Step => ({
    ok: false,
    divergence: { height: tip.height + 1, transaction: null, key: null, ...at, reason, detail },
  });
  const decoded = decodeEntry(entry);
  if (typeof decoded === 'string') return fail('malformed', decoded);
  const { block, certificate } = decoded;
  const taken = takePayloads(block, entry.payloads);
  if (!taken.ok) return fail(taken.fault.reason, taken.fault.detail, taken.fault);
  const payloads = new Map([...held, ...taken.payloads]);
  const payloadOf = (id: Uint8Array): Uint8Array | null => payloads.get(bytesToHex(id)) ?? null;
  const closings = closingsOf(tip, payloadOf);
  if ('missing' in closings) return fail('missing-payload', `closing ${closings.missing} lacks a payload`);
  const { outcomes } = closings;
  const trusting = proofs === 'defer';
  const known = trusting ? unverified : () => null;
  const judgement =
    block.header.leader === null
      ? judgeEmpty(chain.rules, tip, block, outcomes)
      : judgeBlock(chain.rules, tip, block, outcomes, payloadOf, known, trusting);
  if (!judgement.ok) {
    const key = fieldOf[judgement.reason] ?? null;
    return fail(judgement.reason, judgement.detail, { transaction: judgement.transaction ?? null, key });
  }
  const { judged } = judgement;
  const committee = nextCommittee(chain.rules, tip);
  const fault = trusting ? null : certificateFault(chain.chainId, committee, judged, certificate);
  if (fault !== null) return fail('bad-certificate', `the certificate is ${fault}`, { key: 'certificate' });
  for (const [id, payload] of judged.executed.payloads) payloads.set(id, payload);
  const state = { tip: judged.tip, payloads: neededPayloads(payloads, judged.tip.state) };
  const claim = claimOf(tip, committee, entry, judged);
  const counted = countOf(judged, outcomes, signersOf(certificate).length);
  return { ok: true, state, judged, claim, counted };
}

const fieldOf: Readonly<Record<string, string>> = {
  'wrong-chain': 'chainId',
  'wrong-height': 'height',
  'wrong-seed': 'seed',
  'wrong-leader': 'leader',
  'wrong-parent': 'parent',
  'wrong-time': 'time',
  'wrong-receipts': 'receiptsRoot',
  'wrong-ring': 'nextRingRoot',
  'wrong-state': 'stateRoot',
  'wrong-parent-votes': 'parentVotes',
};

/** Taken as signed for now: the claim that goes with the step says which signatures are still to be checked. */
function unverified(transaction: Transaction): VerifiedTransaction {
  return asVerified(transaction, encodeTransaction(transaction).length);
}

function claimOf(
  parent: Tip,
  committee: readonly RingSeat[],
  entry: ReplayEntry,
  { hash, tip }: Judged,
): ProofClaim {
  return {
    chainId: tip.chainId,
    height: tip.height,
    hash,
    block: entry.block,
    certificate: entry.certificate,
    parentHash: parent.hash,
    parentSeed: parent.seed,
    vrfKey: tip.leader === null ? null : committee[0]!.vrfPublicKey,
    committee: concatBytes(...committee.map(({ publicKey }) => publicKey)),
  };
}

/** Whether the certificate is this block's, of this chain; every field of it counts. */
export function certificateFault(
  chainId: Uint8Array,
  committee: readonly RingSeat[],
  { hash, tip }: Pick<Judged, 'hash'> & { readonly tip: Pick<Tip, 'height'> },
  certificate: ReturnType<typeof decodeCertificate>,
): CertificateFault | 'of another chain' | 'of another block' | null {
  if (!equalBytes(certificate.chainId, chainId)) return 'of another chain';
  if (!equalBytes(certificate.hash, hash) || certificate.height !== tip.height) return 'of another block';
  const keys = committee.map(({ publicKey }) => publicKey);
  const verified = verifyCertificate({ certificate, chainId, committee: keys });
  return verified.ok ? null : verified.reason;
}

/** The verdicts that the next block's beginning needs, computed again from the updates. */
function closingsOf(
  tip: Tip,
  payloadOf: (id: Uint8Array) => Uint8Array | null,
): { readonly outcomes: Closings } | { readonly missing: string } {
  const outcomes = new Map<string, RoundOutcome>();
  for (const due of dueClosings(readState(tip.state), tip.height, tip.time)) {
    if (!due.quorate) continue;
    const job = closingJob(due, payloadOf);
    if (job === null) return { missing: due.id };
    outcomes.set(due.id, runClosing(job));
  }
  return { outcomes };
}

function countOf({ block, executed }: Judged, closings: Closings, signatures: number): Partial<Checked> {
  const outcomes = [...closings.values()];
  const { transactions } = block;
  const updates = transactions.filter(
    ({ contract, method }) => contract === 'training' && method === 'update',
  );
  const isEmpty = block.header.leader === null;
  return {
    blocks: 1,
    emptyBlocks: isEmpty ? 1 : 0,
    certificates: 1,
    certificateSignatures: signatures,
    committees: 1,
    parentVotes: block.parentVotes.length,
    seeds: 1,
    seedProofs: isEmpty ? 0 : 1,
    transactionSignatures: transactions.length,
    transactions: transactions.length,
    refusals: executed.receipts.filter(({ ok }) => !ok).length,
    stateRoots: 1,
    payloads: transactions.reduce((sum, { payloads }) => sum + payloads.length, 0),
    updates: updates.length,
    verdicts: outcomes.reduce((sum, { verdicts }) => sum + verdicts.length, 0),
    models: outcomes.length,
  };
}
