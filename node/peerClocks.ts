import type { Transport } from '../net/index.js';
import type { Clock } from './driver/clock.js';

export const CLOCK_PROTOCOL = '/consilium/clock/1';
const ASK_EVERY_MS = 60_000;
const TIMEOUT_MS = 5_000;
const ANSWER_BYTES = 8;
const PEERS_MAX = 256;

/** A peer's clock against the own one, as one question found it. */
export interface PeerClock {
  /** Above 0: the peer's is ahead. Right to half of `roundTripMs`. */
  readonly offsetMs: number;
  readonly roundTripMs: number;
}

export interface PeerClocks {
  /** Asks one peer, soon after it has linked. */
  greet(peer: string): void;
  of(peer: string): PeerClock | null;
  /** The median of the linked peers' offsets: what this clock is behind, unless most of them are wrong. Null: unknown. */
  offsetMs(): number | null;
  close(): void;
}

/**
 * Tells peers what time it is here, and asks each linked one once a minute. For operators alone: no rule of the chain
 * rests on it. Memory: one entry a peer, at most 256.
 */
export function watchPeerClocks(transport: Transport, clock: Clock): PeerClocks {
  const found = new Map<string, PeerClock>();
  let closed = false;
  let cancel = () => {};
  transport.serve(CLOCK_PROTOCOL, async () => clockBytes(clock), { requestBytesMax: 0, concurrentMax: 2 });

  const ask = async (peer: string): Promise<void> => {
    try {
      const asked = await askClock(transport, peer, clock);
      if (!closed && (found.has(peer) || found.size < PEERS_MAX)) found.set(peer, asked);
    } catch {
      found.delete(peer); // it left, or is of a version that does not answer: nothing is known of its clock
    }
  };
  const linked = () => transport.connectedPeers();
  const again = () => {
    for (const peer of found.keys()) if (!linked().includes(peer)) found.delete(peer);
    for (const peer of linked()) void ask(peer);
    cancel = clock.after(ASK_EVERY_MS, again);
  };
  cancel = clock.after(ASK_EVERY_MS, again);

  return {
    greet: (peer) => void ask(peer),
    of: (peer) => found.get(peer) ?? null,
    offsetMs: () => {
      const offsets = linked().flatMap((peer) => found.get(peer)?.offsetMs ?? []);
      return medianOf(offsets);
    },
    close: () => {
      closed = true;
      cancel();
    },
  };
}

/** One question: half of its way is taken for the answer's. Throws NetError. */
export async function askClock(
  transport: Pick<Transport, 'request'>,
  peer: string,
  clock: Pick<Clock, 'now' | 'monotonic'>,
): Promise<PeerClock> {
  const before = clock.monotonic();
  const answer = await transport.request(peer, CLOCK_PROTOCOL, new Uint8Array(0), {
    timeoutMs: TIMEOUT_MS,
    responseBytesMax: ANSWER_BYTES,
  });
  const roundTripMs = clock.monotonic() - before;
  const theirs = answer.length === ANSWER_BYTES ? Number(Buffer.from(answer).readBigUInt64BE()) : Number.NaN;
  if (!Number.isSafeInteger(theirs)) throw new RangeError(`${peer} answered no time`);
  return {
    offsetMs: Math.round(theirs + roundTripMs / 2 - clock.now()),
    roundTripMs: Math.round(roundTripMs),
  };
}

/** Of an even number the lower one of the two in the middle. Null: of nothing. Pure. */
export function medianOf(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
}

function clockBytes(clock: Clock): Uint8Array {
  const bytes = Buffer.alloc(ANSWER_BYTES);
  bytes.writeBigUInt64BE(BigInt(Math.max(0, Math.trunc(clock.now()))));
  return new Uint8Array(bytes);
}
