import { type Marks, openMarks } from '../../audit/index.js';
import {
  type Block,
  bytes,
  bytesBetween,
  DecodeError,
  decode,
  encode,
  type Infer,
  limits,
  list,
  nullable,
  oneOf,
  type PayloadRef,
  readState,
  struct,
  uint,
} from '../../chain/index.js';
import { type Rules, ringAt, type Tip } from '../../consensus/index.js';
import { type ClosingJob, closingJob, type DueClosing, markedOutcome } from '../../contracts/index.js';
import type { RoundOutcome } from '../../fl/index.js';
import { NetError, type PayloadExchange, type Transport } from '../../net/index.js';
import type { Logger } from '../log.js';
import type { Store } from '../store/index.js';
import { certifiers } from './certify.js';
import { encodeRangeRequest, RANGE_ANSWER_BYTES_MAX, RANGE_PROTOCOL, readEntry, readRange } from './range.js';

/** Name of the protocol: "which of these payloads have you pruned, and what are the receipts of this height?" */
const MARKS_PROTOCOL = '/consilium/marks/1';

const IDS_MAX = limits.transactionsPerBlockMax * limits.payloadsPerTransactionMax;
const REQUEST_BYTES_MAX = 64 + 34 * IDS_MAX;
/** Receipts that are more in sum are not handed over; a block's are far less. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;
const TIMEOUT_MS = 5_000;
const MALFORMED_POINTS = 25;
const UNCERTIFIED_POINTS = 50;

export const marksRequestCodec = struct({
  height: uint,
  ids: list(struct({ id: bytes(32), size: uint }), IDS_MAX),
});
export const marksAnswerCodec = struct({
  states: list(oneOf('held', 'pruned', 'unknown'), IDS_MAX),
  /** Null: the height is not decided there, or they are too many. */
  receipts: nullable(list(bytesBetween(1, limits.receiptBytesMax), limits.transactionsPerBlockMax + 1)),
});
type Answer = Infer<typeof marksAnswerCodec>;

export interface MarkedInputsOptions {
  readonly rules: Rules<RoundOutcome>;
  readonly store: Store;
  readonly transport: Pick<Transport, 'serve' | 'request' | 'connectedPeers' | 'penalize'>;
  readonly payloads: PayloadExchange;
  readonly log: Logger;
}

/** What a due closing rests on was found; or nobody has it, and the decided block's receipts say how it ended. */
export type Inputs =
  | { readonly kind: 'job'; readonly job: ClosingJob }
  | { readonly kind: 'marked'; readonly outcome: RoundOutcome };

/**
 * What stands for payloads that peers have pruned, while a node catches up: the receipts of decided blocks. They are
 * compared with the receipts root of a block whose certificate was checked, so no peer is believed. Bytes that any
 * connected peer still has are preferred.
 */
export class MarkedInputs {
  readonly #options: MarkedInputsOptions;

  constructor(options: MarkedInputsOptions) {
    this.#options = options;
    const { transport } = options;
    const serve = async (raw: Uint8Array, from: string): Promise<Uint8Array> => this.#answer(raw, from);
    transport.serve(MARKS_PROTOCOL, serve, { requestBytesMax: REQUEST_BYTES_MAX, concurrentMax: 4 });
  }

  /**
   * Marks for a certified block of which payloads are missing. Null: a peer has them all, or nobody knows, so pull.
   * Asks the peers in turn, the given one first. What one of them still has of a block with marks is pulled here.
   */
  async forBlock(block: Block, missing: readonly PayloadRef[], peer: string): Promise<Marks | null> {
    let marks: Marks | null = null;
    const held = new Map<PayloadRef, string>();
    for (const one of this.#peers(peer)) {
      const answer = await this.#ask(one, block.header.height, missing);
      if (answer === null) continue;
      if (answer.states.every((state) => state === 'held')) return null;
      for (const [i, ref] of missing.entries()) if (answer.states[i] === 'held') held.set(ref, one);
      if (marks !== null || answer.receipts === null) continue;
      const opened = openMarks(block, answer.receipts);
      if (opened.ok) marks = opened.marks;
      else this.#options.transport.penalize(one, UNCERTIFIED_POINTS, 'receipts of another block');
    }
    if (marks !== null) await Promise.all([...held].map(([ref, one]) => this.#pull([ref], one)));
    return marks;
  }

  /** One try to come by what a due closing after `tip` rests on. Null: nobody has it, and nobody has decided it. */
  async forClosing(tip: Tip, due: DueClosing): Promise<Inputs | null> {
    const { store } = this.#options;
    const { weights, accumulator, optimizer, updates } = due.round;
    const refs = [weights, accumulator, optimizer, ...updates.map((one) => one.payload)].filter(
      (ref) => ref !== null,
    );
    const missing = refs.filter(({ id }) => !store.hasPayload(id));
    let marked: RoundOutcome | null = null;
    for (const peer of this.#peers()) {
      const answer = await this.#ask(peer, tip.height + 1, missing);
      if (answer === null) continue;
      if (answer.states.includes('pruned')) {
        marked ??= answer.receipts === null ? null : await this.#outcome(peer, tip, due, answer.receipts);
        continue;
      }
      if (!answer.states.every((state) => state === 'held')) continue;
      await this.#pull(missing, peer);
      const job = closingJob(due, (id) => store.payload(id));
      if (job !== null) return { kind: 'job', job };
    }
    return marked === null ? null : { kind: 'marked', outcome: marked };
  }

  /** The outcome by the receipts of the next block, if the peer has that with a certificate; and what of it is held there. */
  async #outcome(
    peer: string,
    tip: Tip,
    due: DueClosing,
    receipts: readonly Uint8Array[],
  ): Promise<RoundOutcome | null> {
    const { transport, rules } = this.#options;
    const request = encodeRangeRequest(tip.height + 1, 1);
    const options = { timeoutMs: TIMEOUT_MS, responseBytesMax: RANGE_ANSWER_BYTES_MAX };
    const range = await transport.request(peer, RANGE_PROTOCOL, request, options).then(readRange, () => null);
    const entry = range?.[0] === undefined ? null : readEntry(range[0]);
    const ring = ringAt(readState(tip.state), tip.height + 1, rules.eraHeights);
    const drawn = { chainId: tip.chainId, ring, members: rules.members };
    if (entry === null || certifiers(drawn, tip, entry) === null) return null;
    const opened = openMarks(entry.block, receipts);
    const outcome = opened.ok ? markedOutcome(opened.marks.begun, due) : null;
    if (outcome === null) {
      transport.penalize(peer, UNCERTIFIED_POINTS, 'receipts of another block');
      return null;
    }
    const made = [outcome.weights, outcome.accumulator, outcome.optimizer].filter(
      (one): one is PayloadRef => one !== null && !(one instanceof Uint8Array),
    );
    const wanted = made.filter(({ id }) => !this.#options.store.hasPayload(id));
    const states = (await this.#ask(peer, tip.height + 1, wanted))?.states ?? [];
    await this.#pull(
      wanted.filter((_, i) => states[i] === 'held'),
      peer,
    );
    return outcome;
  }

  async #pull(refs: readonly PayloadRef[], peer: string): Promise<void> {
    const { payloads } = this.#options;
    await Promise.allSettled(refs.map(({ id, size }) => payloads.fetch(id, size, this.#peers(peer))));
  }

  #peers(first?: string): readonly string[] {
    const peers = this.#options.transport.connectedPeers();
    return first === undefined ? peers : [first, ...peers.filter((other) => other !== first)];
  }

  async #ask(peer: string, height: number, ids: readonly PayloadRef[]): Promise<Answer | null> {
    const { transport, log } = this.#options;
    try {
      const request = encode(marksRequestCodec, { height, ids });
      const options = { timeoutMs: TIMEOUT_MS, responseBytesMax: ANSWER_BYTES_MAX };
      const answer = await transport.request(peer, MARKS_PROTOCOL, request, options);
      const decoded = decode(marksAnswerCodec, answer, ANSWER_BYTES_MAX);
      return decoded.states.length === ids.length ? decoded : null;
    } catch (error) {
      log('debug', 'marks-failed', { peer, height, error: String(error) });
      return null;
    }
  }

  #answer(raw: Uint8Array, from: string): Uint8Array {
    const { store, transport } = this.#options;
    try {
      const { height, ids } = decode(marksRequestCodec, raw, REQUEST_BYTES_MAX);
      const states = ids.map((ref) =>
        store.hasPayload(ref.id) ? 'held' : store.isPruned(ref) ? 'pruned' : 'unknown',
      );
      // A block that was handed over is bounded by what a link carries in one answer.
      const found = states.includes('pruned') ? (store.blockBytes(height)?.receipts() ?? null) : null;
      const size = (found ?? []).reduce((sum, { length }) => sum + length + 8, 16 * IDS_MAX);
      return encode(marksAnswerCodec, { states, receipts: size > ANSWER_BYTES_MAX ? null : found });
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      transport.penalize(from, MALFORMED_POINTS, 'malformed request');
      throw new NetError('refused', 'malformed request');
    }
  }
}
