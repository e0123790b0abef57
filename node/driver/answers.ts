import {
  blockHash,
  bytes,
  bytesBetween,
  DecodeError,
  decode,
  encode,
  nullable,
  rootsMatch,
  struct,
  uint,
} from '../../chain/index.js';
import { AGREEMENT_RULES } from '../../consensus/index.js';
import { bytesToHex } from '../../crypto/index.js';
import { NetError, type Transport } from '../../net/index.js';
import type { Logger } from '../log.js';
import type { Store } from '../store/index.js';
import type { Clock } from './clock.js';
import type { Driver } from './driver.js';
import { toWire } from './height.js';
import {
  decodeProposal,
  encodeMessage,
  encodeProposal,
  MESSAGE_BYTES_MAX,
  type SignedProposal,
} from './message.js';
import { DECIDED_BYTES_MAX, DECIDED_PROTOCOL, encodeDecided, type RawEntry, readDecided } from './range.js';

const PROPOSAL_PROTOCOL = '/consilium/proposal/1';
const QUORUM_PROTOCOL = '/consilium/quorum/1';

const proposalRequestCodec = struct({ height: uint, hash: bytes(32) });
const proposalAnswerCodec = struct({ proposal: nullable(bytesBetween(1, MESSAGE_BYTES_MAX)) });
const quorumRequestCodec = struct({ height: uint });
const REQUEST_BYTES_MAX = 64;
const TIMEOUT_MS = 2_000;
const PROPOSAL_TIMEOUT_MS = 10_000;

/** Among peers who keep up, votes cross the commit: only who still speaks of a block after this time lacks it. */
const SETTLED_MS = 200;
/** A peer is handed at most one block, and asked for a quorum at most once, in this time. */
const PEER_GAP_MS = 100;
const PEERS_MAX = 256;
const MALFORMED_POINTS = 25;

export interface AnswersOptions {
  readonly driver: Driver;
  readonly store: Store;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Logger;
  /** A peer, standing at `height`, handed over the block of `from`. Nothing is verified. */
  readonly onDecided: (peer: string, height: number, from: number, entry: RawEntry) => void;
  /** Votes that were asked for: an encoded message, to be taken in as if it were gossip. */
  readonly onVotes: (message: Uint8Array, peer: string) => void;
}

/**
 * What one node says to another alone, so that who lags gets on within one round trip: the decided block to a peer
 * that still speaks of its height, the freshest next quorum to one in an earlier period, a leader's block to one
 * that knows it from votes only.
 */
export class Answers {
  readonly #options: AnswersOptions;
  readonly #handedAt = new Map<string, number>();
  readonly #askedAt = new Map<string, number>();
  #settledHeight = 0;
  #tipSince = 0;

  constructor(options: AnswersOptions) {
    this.#options = options;
    const { transport } = options;
    const limits = { requestBytesMax: REQUEST_BYTES_MAX, concurrentMax: 4 };
    transport.serve(PROPOSAL_PROTOCOL, async (raw, from) => this.#serveProposal(raw, from), limits);
    transport.serve(QUORUM_PROTOCOL, async (raw, from) => this.#serveQuorum(raw, from), limits);
    const decided = { requestBytesMax: DECIDED_BYTES_MAX, concurrentMax: 2 };
    transport.serve(DECIDED_PROTOCOL, async (raw, from) => this.#takeDecided(raw, from), decided);
  }

  /** `peer` speaks of a height that is decided here: it gets the block, unless it is about to have it anyway. */
  behind(peer: string, height: number): void {
    const { driver, store, transport, clock, log } = this.#options;
    if (height < 1 || !this.#isSettled(height)) return;
    if (!isDue(this.#handedAt, peer, clock.monotonic())) return;
    const entry = store.blockBytes(height);
    if (entry === null) return;
    const message = encodeDecided({ at: driver.tip.height, from: height, entry });
    transport
      .request(peer, DECIDED_PROTOCOL, message, { timeoutMs: TIMEOUT_MS, responseBytesMax: 0 })
      .catch((error) => log('debug', 'hand-over-failed', { peer, height, error: String(error) }));
  }

  /** `peer` is at the same height in a later period: its next quorum lets us in. */
  async askQuorum(peer: string): Promise<void> {
    const { driver, transport, clock, log, onVotes } = this.#options;
    if (!isDue(this.#askedAt, peer, clock.monotonic())) return;
    const request = encode(quorumRequestCodec, { height: driver.tip.height + 1 });
    const options = { timeoutMs: TIMEOUT_MS, responseBytesMax: MESSAGE_BYTES_MAX };
    try {
      const votes = await transport.request(peer, QUORUM_PROTOCOL, request, options);
      if (votes.length > 0) onVotes(votes, peer);
    } catch (error) {
      log('debug', 'quorum-request-failed', { peer, error: String(error) });
    }
  }

  /** A leader's block that votes carry and we never got. Null: the peer has none, or sent another. */
  async requestProposal(peer: string, height: number, value: string): Promise<SignedProposal | null> {
    const { transport, log } = this.#options;
    const request = encode(proposalRequestCodec, { height, hash: Buffer.from(value, 'hex') });
    try {
      const options = { timeoutMs: PROPOSAL_TIMEOUT_MS, responseBytesMax: MESSAGE_BYTES_MAX + 64 };
      const raw = await transport.request(peer, PROPOSAL_PROTOCOL, request, options);
      const { proposal } = decode(proposalAnswerCodec, raw, MESSAGE_BYTES_MAX + 64);
      if (proposal === null) return null;
      const found = decodeProposal(proposal);
      if (found !== null && bytesToHex(blockHash(found.block.header)) === value && rootsMatch(found.block))
        return found;
      transport.penalize(peer, MALFORMED_POINTS, 'another block than the one asked for');
    } catch (error) {
      log('debug', 'proposal-request-failed', { peer, error: String(error) });
    }
    return null;
  }

  /** Below the tip, or the tip itself when it has stood for a while. */
  #isSettled(height: number): boolean {
    const { driver, clock } = this.#options;
    const { tip } = driver;
    if (tip.height !== this.#settledHeight) {
      this.#settledHeight = tip.height;
      this.#tipSince = clock.monotonic();
    }
    return height < tip.height || (height === tip.height && clock.monotonic() - this.#tipSince >= SETTLED_MS);
  }

  #takeDecided(raw: Uint8Array, peer: string): Uint8Array {
    const decided = readDecided(raw);
    if (decided === null) throw this.#malformed(peer);
    this.#options.onDecided(peer, decided.at, decided.from, decided.entry);
    return new Uint8Array(0);
  }

  #serveProposal(raw: Uint8Array, peer: string): Uint8Array {
    const { height, hash } = this.#read(proposalRequestCodec, raw, peer);
    const { work, tip } = this.#options.driver;
    if (height <= tip.height) this.behind(peer, height);
    const known = work?.height === height ? work.proposals.get(bytesToHex(hash)) : undefined;
    const proposal =
      known === undefined ? null : encodeProposal({ block: known.block, signature: known.signature });
    return encode(proposalAnswerCodec, { proposal });
  }

  /** The votes that are sent again at this moment: own ones, the soft quorum's, the freshest next quorum. */
  #serveQuorum(raw: Uint8Array, peer: string): Uint8Array {
    const { height } = this.#read(quorumRequestCodec, raw, peer);
    const { work, tip } = this.#options.driver;
    if (height <= tip.height) this.behind(peer, height);
    const votes = work?.height === height ? AGREEMENT_RULES.votesToResend(work.machine) : [];
    if (votes.length === 0) return new Uint8Array(0);
    const wire = votes.map((vote) => toWire(tip.chainId, work!.committee, vote));
    return encodeMessage({ kind: 'votes', votes: wire });
  }

  #read<T>(codec: Parameters<typeof decode<T>>[0], raw: Uint8Array, peer: string): T {
    try {
      return decode(codec, raw, REQUEST_BYTES_MAX);
    } catch (error) {
      if (error instanceof DecodeError) throw this.#malformed(peer);
      throw error;
    }
  }

  #malformed(peer: string): NetError {
    this.#options.transport.penalize(peer, MALFORMED_POINTS, 'malformed request');
    return new NetError('refused', 'malformed request');
  }
}

/** True, and noted, if the peer's last time is long enough ago. */
function isDue(times: Map<string, number>, peer: string, nowMs: number): boolean {
  if (nowMs - (times.get(peer) ?? Number.NEGATIVE_INFINITY) < PEER_GAP_MS) return false;
  if (times.size >= PEERS_MAX) times.clear();
  times.set(peer, nowMs);
  return true;
}
