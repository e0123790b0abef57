import {
  readState,
  signTransaction,
  type Transaction,
  toNode,
  type VerifiedTransaction,
} from '../../chain/index.js';
import type { AgreementEffect, Evidence, MemberVote, Tip } from '../../consensus/index.js';
import { evidenceCodec, mootness } from '../../contracts/index.js';
import { bytesToHex, equalBytes, hexToBytes } from '../../crypto/index.js';
import type { Logger } from '../log.js';
import type { Mempool } from '../mempool.js';
import type { Submitted } from '../rpc/index.js';
import type { HeightWork } from './height.js';

/** Offences that wait for a block; one an accused, so more only if a ring has more seats. */
const PENDING_MAX = 128;

/** What the agreement machine noticed, as evidence that anybody can check. */
export function evidenceOf(
  work: HeightWork,
  effect: Extract<AgreementEffect, { kind: 'offence' | 'two-proposals' }>,
): Evidence {
  const { height, committee } = work;
  if (effect.kind === 'offence') {
    const accused = committee[effect.first.member]!.publicKey;
    return { accused, height, first: statementOf(effect.first), second: statementOf(effect.second) };
  }
  // The machine knows a leader's blocks by their hash; the driver keeps them with their signatures.
  const proposal = (value: string) => {
    const { signature } = work.proposals.get(value)!;
    return { step: 'propose', period: 0, value: hexToBytes(value), signature } as const;
  };
  const accused = committee[0]!.publicKey;
  return { accused, height, first: proposal(effect.first), second: proposal(effect.second) };
}

export interface AccuserOptions {
  readonly chainId: Uint8Array;
  readonly keys: { readonly publicKey: Uint8Array; readonly secret: Uint8Array };
  readonly tip: () => Tip;
  readonly mempool: Pick<Mempool, 'get' | 'oldest' | 'size' | 'nextNonce'>;
  readonly isOnChain: (hash: Uint8Array) => boolean;
  readonly submit: (transaction: Transaction) => Promise<Submitted>;
  readonly log: Logger;
}

interface Pending {
  readonly evidence: Evidence;
  /** Of the own transaction that carries it, once there is one. */
  hash: string | null;
}

/**
 * Brings offences on chain: one `evidence.submit` an accused, signed by this validator.
 *
 * Nothing is sent while the same accusation, of whomever, waits for a block, nor once the chain has no use for it
 * (`mootness`). The nonce is the next one beside this account's other transactions; if another takes it first, the
 * evidence is signed anew after the next block. What is not on chain at a crash is lost: the others saw it as well.
 */
export class Accuser {
  readonly #options: AccuserOptions;
  readonly #pending = new Map<string, Pending>();
  #queue: Promise<void> = Promise.resolve();

  constructor(options: AccuserOptions) {
    this.#options = options;
  }

  /** A first offence of an accused; while it waits, further ones of the same change nothing. */
  report(evidence: Evidence): void {
    const { keys } = this.#options;
    const accused = bytesToHex(evidence.accused);
    // What this validator did in a life that left no records is for others to tell.
    if (equalBytes(evidence.accused, keys.publicKey)) return;
    if (this.#pending.has(accused) || this.#pending.size >= PENDING_MAX) return;
    this.#pending.set(accused, { evidence, hash: null });
    this.settle();
  }

  /** Looks at what waits, after each block. */
  settle(): void {
    if (this.#pending.size === 0) return;
    this.#queue = this.#queue
      .then(async () => {
        for (const [accused, pending] of [...this.#pending]) await this.#settleOne(accused, pending);
      })
      // The node closes, or its disk fails, which others tell: no evidence is worth stopping for.
      .catch((error: unknown) => this.#options.log('warn', 'evidence-failed', { error: String(error) }));
  }

  async #settleOne(accused: string, pending: Pending): Promise<void> {
    const { tip, mempool, isOnChain, submit, log } = this.#options;
    const { height, state } = tip();
    const { evidence, hash } = pending;
    const isOver = hash !== null && isOnChain(hexToBytes(hash));
    if (isOver || mootness(readState(state), height + 1, evidence) !== null) {
      this.#pending.delete(accused);
      return;
    }
    if (hash !== null && mempool.get(hash) !== null) return;
    if (mempool.oldest(mempool.size).some((waiting) => accusedIn(waiting) === accused)) return;
    const submitted = await submit(this.#sign(evidence));
    if (submitted.ok) pending.hash = bytesToHex(submitted.hash);
    log(submitted.ok ? 'info' : 'debug', 'evidence', {
      accused,
      height: evidence.height,
      sent: submitted.ok ? bytesToHex(submitted.hash) : submitted.code,
    });
  }

  #sign(evidence: Evidence): Transaction {
    const { chainId, keys, mempool, tip } = this.#options;
    const from = keys.publicKey;
    const nonce = mempool.nextNonce(bytesToHex(from), readState(tip().state));
    const call = { contract: 'evidence', method: 'submit', args: toNode(evidenceCodec, evidence) };
    return signTransaction({ chainId, level: 0, from, nonce, ...call, payloads: [] }, keys.secret);
  }
}

/** Whom a waiting transaction accuses, in hex; null: it is none of evidence. Whether it proves anything is not asked. */
function accusedIn({ transaction }: VerifiedTransaction): string | null {
  const { contract, method, args } = transaction;
  if (contract !== 'evidence' || method !== 'submit') return null;
  const { accused } = (args ?? {}) as { readonly accused?: unknown };
  return accused instanceof Uint8Array ? bytesToHex(accused) : null;
}

function statementOf({ step, period, value, signature }: MemberVote) {
  return { step, period, value: value === null ? null : hexToBytes(value), signature: hexToBytes(signature) };
}
