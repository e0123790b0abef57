import {
  asVerified,
  type Block,
  DecodeError,
  decodeBlock,
  decodeCertificate,
  encodeTransaction,
  type HeldPayload,
  payloadId,
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
import { type Closings, closingJob, dueClosings, markedOutcome, runClosing } from '../contracts/index.js';
import { bytesToHex, concatBytes, equalBytes } from '../crypto/index.js';
import type { RoundOutcome } from '../fl/index.js';
import type { ChainStart } from '../genesis/index.js';
import { type Marks, openMarks } from './marks.js';
import { type Fault, neededPayloads, type Payloads, takePayloads } from './payloads.js';
import type { ProofClaim } from './proofs.js';
import type { Checked, Divergence } from './report.js';

/** One height of an exported chain: encoded block and certificate, and the payloads that the block announces. */
export interface ReplayEntry {
  readonly block: Uint8Array;
  readonly certificate: Uint8Array;
  /** In the order of the block; null for one that the source says it has pruned. */
  readonly payloads: readonly (Uint8Array | null)[];
  /** The block's receipts, encoded, where they have to stand for what is pruned: marked inputs (`openMarks`). */
  readonly receipts?: readonly Uint8Array[];
  /** Models, accumulators and optimizer states that this block's closings made, if their inputs are pruned and they are not. */
  readonly made?: readonly Uint8Array[];
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
      readonly rounds: readonly ClosedHere[];
      /** Payloads for which a mark stood. */
      readonly absent: number;
    }
  | { readonly ok: false; readonly divergence: Divergence };

/** A round that closed with a verdict. `marked`: taken from the receipts, since what it rests on is pruned. */
export interface ClosedHere {
  readonly task: number;
  readonly round: number;
  readonly marked: boolean;
  readonly verdicts: number;
}

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
 * Where payloads are pruned, the block's receipts stand for them: what became of each update, and the outcome of a
 * round whose inputs are not at hand. Everything else is computed, so all roots come out only if they fit. What can
 * be computed is, whatever the receipts say. The first thing that is wrong is the same in either mode.
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
  if (taken.absent > 0 && entry.receipts === undefined) {
    const detail = `${taken.absent} payloads are absent, and no receipts stand for them`;
    return fail('missing-receipts', detail, { key: 'receiptsRoot' });
  }
  const opened = entry.receipts === undefined ? null : openMarks(block, entry.receipts);
  if (opened?.ok === false) return fail(opened.fault.reason, opened.fault.detail, opened.fault);
  const marks = opened?.marks ?? null;
  const payloads = new Map([...held, ...taken.payloads]);
  const bytesOf = (id: Uint8Array): Uint8Array | null => payloads.get(bytesToHex(id)) ?? null;
  const payloadOf = (id: Uint8Array, by: string): HeldPayload | null =>
    bytesOf(id) ?? marks?.payloads.get(by) ?? null;
  const closings = closingsOf(tip, bytesOf, marks);
  if ('missing' in closings)
    return fail('missing-payload', `closing ${closings.missing} lacks a payload`, { key: closings.missing });
  const { outcomes, rounds } = closings;
  const foreign = keepMade(payloads, entry.made ?? [], outcomes);
  if (foreign !== null) return fail(foreign.reason, foreign.detail, foreign);
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
  const counted = countOf(judged, taken, rounds, signersOf(certificate).length);
  return { ok: true, state, judged, claim, counted, rounds, absent: taken.absent };
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
    // A copy: it is a part of the parent block, all of which a view would take along to a worker.
    parentSeed: new Uint8Array(parent.seed),
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

/** The outcomes that the next block's beginning needs: computed from the updates, or else as its receipts have them. */
function closingsOf(
  tip: Tip,
  bytesOf: (id: Uint8Array) => Uint8Array | null,
  marks: Marks | null,
): { readonly outcomes: Closings; readonly rounds: readonly ClosedHere[] } | { readonly missing: string } {
  const outcomes = new Map<string, RoundOutcome>();
  const rounds: ClosedHere[] = [];
  for (const due of dueClosings(readState(tip.state), tip.height, tip.time)) {
    if (!due.quorate) continue;
    const job = closingJob(due, bytesOf);
    const marked = job === null && marks !== null ? markedOutcome(marks.begun, due) : null;
    const outcome = job === null ? marked : runClosing(job);
    if (outcome === null) return { missing: due.id };
    outcomes.set(due.id, outcome);
    const { task, round } = due;
    rounds.push({
      task: task.id,
      round: round.round,
      marked: job === null,
      verdicts: outcome.verdicts.length,
    });
  }
  return { outcomes, rounds };
}

/** Adds what marked closings made, as far as it is given; anything else that is given is a finding. */
function keepMade(
  payloads: Map<string, Uint8Array>,
  made: readonly Uint8Array[],
  outcomes: Closings,
): Fault | null {
  const named = new Set<string>();
  for (const { weights, accumulator, optimizer } of outcomes.values()) {
    for (const one of [weights, accumulator, optimizer])
      if (one !== null && !(one instanceof Uint8Array)) named.add(bytesToHex(one.id));
  }
  for (const bytes of made) {
    const id = bytes.length === 0 ? '' : bytesToHex(payloadId(bytes));
    if (!named.has(id)) {
      const detail =
        'a model, accumulator or optimizer state is given that no marked closing of this block made';
      return { reason: 'foreign-payload', detail, key: 'payloads' };
    }
    payloads.set(id, bytes);
  }
  return null;
}

function countOf(
  { block, executed }: Judged,
  { payloads }: { readonly payloads: Payloads },
  rounds: readonly ClosedHere[],
  signatures: number,
): Partial<Checked> {
  const computed = rounds.filter(({ marked }) => !marked);
  const { transactions } = block;
  const announced = transactions.flatMap((one) => one.payloads);
  const isHere = ({ id }: { readonly id: Uint8Array }): boolean => payloads.has(bytesToHex(id));
  const updates = transactions.filter(
    (one) => one.contract === 'training' && one.method === 'update' && one.payloads.every(isHere),
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
    payloads: announced.filter(isHere).length,
    updates: updates.length,
    verdicts: computed.reduce((sum, { verdicts }) => sum + verdicts, 0),
    models: computed.length,
  };
}
