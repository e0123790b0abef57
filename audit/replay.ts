import {
  type Block,
  DecodeError,
  decodeBlock,
  decodeCertificate,
  payloadId,
  readState,
  type StateReader,
  treeEntries,
} from '../chain/index.js';
import {
  type CertificateFault,
  type Judged,
  judgeBlock,
  judgeEmpty,
  nextCommittee,
  signersOf,
  type Tip,
  verifyCertificate,
} from '../consensus/index.js';
import {
  type Closings,
  closingJob,
  dueClosings,
  ledgerCell,
  openTasks,
  roundCell,
  runClosing,
} from '../contracts/index.js';
import { bytesToHex, equalBytes } from '../crypto/index.js';
import type { RoundOutcome } from '../fl/index.js';
import type { ChainStart } from '../genesis/index.js';
import { type AuditReport, assumptionsOf, type Checked, type Divergence, nothingChecked } from './report.js';

/** One height of an exported chain: encoded block and certificate, and the payloads that the block announces. */
export interface ReplayEntry {
  readonly block: Uint8Array;
  readonly certificate: Uint8Array;
  readonly payloads: readonly Uint8Array[];
}

export interface Replay {
  readonly tip: Tip;
  /** The block that was taken last, with all that its execution made. */
  readonly last: Judged | null;
  /** Checks the next height. Returns the first thing that is wrong; after one nothing more is taken. */
  take(entry: ReplayEntry): Divergence | null;
  /** Says that the source itself is broken: cut short, not a chain export. */
  break(reason: string, detail: string): Divergence;
  report(anchor?: { readonly height: number; readonly hash: string }): AuditReport;
}

/**
 * Replays a chain from its genesis, believing nothing: parents, seeds, committees, certificates, every
 * signature, every transaction executed again, every verdict and model computed again from the updates, and
 * every state root compared.
 *
 * Cost a block: a few signature checks a member, one VRF check, the execution and the verdicts of its closings.
 * Memory: the state, the hash of each block, and the payloads of the rounds that are open.
 */
export function createReplay(chain: ChainStart): Replay {
  const payloads = new Map<string, Uint8Array>();
  const hashes = new Map([[0, bytesToHex(chain.chainId)]]);
  let tip = chain.tip;
  let last: Judged | null = null;
  let checked: Checked = nothingChecked;
  let divergence: Divergence | null = null;

  const payloadOf = (id: Uint8Array): Uint8Array | null => payloads.get(bytesToHex(id)) ?? null;

  function fail(reason: string, detail: string, at: Partial<Divergence> = {}): Divergence {
    divergence = { height: tip.height + 1, transaction: null, key: null, ...at, reason, detail };
    return divergence;
  }

  function take(entry: ReplayEntry): Divergence | null {
    if (divergence !== null) return divergence;
    const decoded = decodeEntry(entry);
    if (typeof decoded === 'string') return fail('malformed', decoded);
    const { block, certificate } = decoded;
    const foreign = takePayloads(payloads, block, entry.payloads);
    if (foreign !== null) return fail(foreign.reason, foreign.detail, { key: foreign.key });
    const closings = closingsOf(tip, payloadOf);
    if ('missing' in closings) return fail('missing-payload', `closing ${closings.missing} lacks a payload`);
    const judgement =
      block.header.leader === null
        ? judgeEmpty(chain.rules, tip, block, closings.outcomes)
        : judgeBlock(chain.rules, tip, block, closings.outcomes, payloadOf);
    if (!judgement.ok) {
      return fail(judgement.reason, judgement.detail, {
        transaction: judgement.transaction ?? null,
        key: fieldOf[judgement.reason] ?? null,
      });
    }
    const { judged } = judgement;
    const committee = nextCommittee(chain.rules, tip).map(({ publicKey }) => publicKey);
    const fault = certificateFault(chain.chainId, committee, judged, certificate);
    if (fault !== null) return fail('bad-certificate', `the certificate is ${fault}`, { key: 'certificate' });
    for (const [id, payload] of judged.executed.payloads) payloads.set(id, payload);
    dropUnneeded(payloads, readState(judged.tip.state));
    checked = count(
      checked,
      block,
      judged.executed.receipts,
      closings.outcomes,
      signersOf(certificate).length,
    );
    tip = judged.tip;
    last = judged;
    hashes.set(tip.height, bytesToHex(tip.hash));
    return null;
  }

  return {
    get tip() {
      return tip;
    },
    get last() {
      return last;
    },
    take,
    break: (reason, detail) => divergence ?? fail(reason, detail),
    report: (anchor) => {
      if (divergence === null && anchor !== undefined && hashes.get(anchor.height) !== anchor.hash) {
        const found = hashes.get(anchor.height);
        const detail =
          found === undefined
            ? `the chain ends at ${tip.height}`
            : `block ${anchor.height} is ${found}, not the anchor`;
        fail('not-the-anchor', detail, { height: anchor.height, key: 'anchor' });
      }
      const ledgers = checkLedgers(tip);
      if (divergence === null && ledgers.overdrawn !== null) {
        fail('overdrawn', `the ledger of ${ledgers.overdrawn} is over its budget`, {
          key: ledgers.overdrawn,
        });
      }
      return {
        ok: divergence === null,
        chainId: bytesToHex(chain.chainId),
        head: { height: tip.height, hash: bytesToHex(tip.hash) },
        checked: { ...checked, ledgers: ledgers.count },
        divergence,
        assumptions: assumptionsOf(anchor !== undefined),
      };
    },
  };
}

const fieldOf: Readonly<Record<string, string>> = {
  'wrong-seed': 'seed',
  'wrong-leader': 'leader',
  'wrong-parent': 'parent',
  'wrong-time': 'time',
  'wrong-receipts': 'receiptsRoot',
  'wrong-ring': 'nextRingRoot',
  'wrong-state': 'stateRoot',
  'wrong-parent-votes': 'parentVotes',
};

function decodeEntry(
  entry: ReplayEntry,
): { block: Block; certificate: ReturnType<typeof decodeCertificate> } | string {
  try {
    return { block: decodeBlock(entry.block), certificate: decodeCertificate(entry.certificate) };
  } catch (error) {
    if (error instanceof DecodeError) return error.message;
    throw error;
  }
}

/** Whether the certificate is this block's, of this chain; every field of it counts. */
function certificateFault(
  chainId: Uint8Array,
  committee: readonly Uint8Array[],
  { hash, tip }: Judged,
  certificate: ReturnType<typeof decodeCertificate>,
): CertificateFault | 'of another chain' | 'of another block' | null {
  if (!equalBytes(certificate.chainId, chainId)) return 'of another chain';
  if (!equalBytes(certificate.hash, hash) || certificate.height !== tip.height) return 'of another block';
  const verified = verifyCertificate({ certificate, chainId, committee });
  return verified.ok ? null : verified.reason;
}

/** Forgets every payload but those of the open rounds: nothing else is read again. */
function dropUnneeded(payloads: Map<string, Uint8Array>, state: StateReader): void {
  const needed = new Set<string>();
  for (const { id } of openTasks(state)) {
    const round = roundCell.get(state, id);
    if (round === null) continue;
    const refs = [round.weights, round.accumulator, ...round.updates.map(({ payload }) => payload)];
    for (const ref of refs) if (ref !== null) needed.add(bytesToHex(ref.id));
  }
  for (const id of payloads.keys()) if (!needed.has(id)) payloads.delete(id);
}

/** Keeps the payloads that the block announces; one that is foreign or missing is a finding. */
function takePayloads(
  held: Map<string, Uint8Array>,
  block: Block,
  given: readonly Uint8Array[],
): { readonly reason: string; readonly detail: string; readonly key: string } | null {
  const announced = block.transactions.flatMap(({ payloads }) => payloads);
  if (given.length > announced.length) {
    const detail = `${given.length} payloads for ${announced.length} announced`;
    return { reason: 'foreign-payload', detail, key: 'payloads' };
  }
  for (const [i, ref] of announced.entries()) {
    const key = bytesToHex(ref.id);
    const payload = given[i];
    if (payload === undefined)
      return { reason: 'missing-payload', detail: `payload ${key} is not in the export`, key };
    if (payload.length !== ref.size || bytesToHex(payloadId(payload)) !== key) {
      return { reason: 'wrong-payload', detail: `the bytes given for payload ${key} are others`, key };
    }
    held.set(key, payload);
  }
  return null;
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

function count(
  before: Checked,
  block: Block,
  receipts: readonly { readonly ok: boolean }[],
  closings: Closings,
  signatures: number,
): Checked {
  const outcomes = [...closings.values()];
  const updates = block.transactions.filter(
    ({ contract, method }) => contract === 'training' && method === 'update',
  );
  return {
    blocks: before.blocks + 1,
    emptyBlocks: before.emptyBlocks + (block.header.leader === null ? 1 : 0),
    certificates: before.certificates + 1,
    certificateSignatures: before.certificateSignatures + signatures,
    parentVotes: before.parentVotes + block.parentVotes.length,
    seeds: before.seeds + 1,
    transactions: before.transactions + block.transactions.length,
    refusals: before.refusals + receipts.filter(({ ok }) => !ok).length,
    stateRoots: before.stateRoots + 1,
    payloads: before.payloads + block.transactions.reduce((sum, { payloads }) => sum + payloads.length, 0),
    updates: before.updates + updates.length,
    verdicts: before.verdicts + outcomes.reduce((sum, { verdicts }) => sum + verdicts.length, 0),
    models: before.models + outcomes.length,
    ledgers: 0,
  };
}

/** Every ledger in the state: none may stand over its cap. */
function checkLedgers(tip: Tip): { readonly count: number; readonly overdrawn: string | null } {
  const state = readState(tip.state);
  let count = 0;
  let overdrawn: string | null = null;
  for (const [key] of treeEntries(tip.state)) {
    const [cellName, device, dataset] = [ledgerCell.key(), ...key.split('/').slice(-2)];
    if (key !== `${cellName}/${device}/${dataset}`) continue;
    const { rhoSpent, rhoCap } = ledgerCell.get(state, device!, dataset!)!;
    count += 1;
    if (rhoSpent > rhoCap) overdrawn ??= key;
  }
  return { count, overdrawn };
}
