import type { PayloadLimits } from './limits.js';
import type { PeerPaces } from './peerPace.js';
import type { PeerKey } from './transport.js';

export interface ChunkAsk {
  readonly peer: PeerKey;
  readonly index: number;
}

/** What a peer has of the payload: a bitmap if it is pulling it itself. */
type Holding = 'unknown' | 'all' | 'none' | Uint8Array;

interface Source {
  holds: Holding;
  /** Every chunk that it ever said it has: saying new ones again and again comes to an end. */
  readonly claimed: Uint8Array;
  /** Asked no more. */
  out: boolean;
  /** Times in a row that it lacked what it was asked for. */
  misses: number;
  /** Not asked before. */
  askAt: number;
  /** Requests under way for this payload. */
  open: number;
}

export interface ChunkPlanOptions {
  readonly count: number;
  readonly limits: PayloadLimits;
  readonly paces: PeerPaces;
  /** In [0, 1): chunks of equal standing are drawn, so that peers that pull at once pull different ones. */
  readonly random: () => number;
}

/**
 * Which chunk of one payload to ask of whom: no time, no network of its own.
 *
 * A chunk is asked of one peer. Of a second one only if the first lets it wait (`reassignAfter`), or, once every
 * chunk is under way, if a free peer would probably be sooner (`hedgeAfter`): so a slow peer doesn't hold the last
 * chunk. Peers that pull the payload themselves say what they have so far; the chunk that fewest of them have goes
 * first. Whoever has not delivered yet gets one request, then as many as its window takes.
 *
 * Unit: `now` in milliseconds. Cost of an ask: chunks times peers.
 */
export class ChunkPlan {
  readonly #options: ChunkPlanOptions;
  readonly #held: Uint8Array;
  #missing: number;
  readonly #sources = new Map<PeerKey, Source>();
  /** When each chunk was asked of whom, for chunks under way. */
  readonly #asked = new Map<number, Map<PeerKey, number>>();

  constructor(options: ChunkPlanOptions) {
    this.#options = options;
    this.#held = new Uint8Array(options.count);
    this.#missing = options.count;
  }

  get whole(): boolean {
    return this.#missing === 0;
  }

  /** Nothing is under way and nobody is left who could deliver. */
  get exhausted(): boolean {
    if (this.whole || this.#asked.size > 0) return false;
    // Those who have nothing are asked again while somebody else delivers; alone they won't get it.
    return [...this.#sources.values()].every(({ out, holds }) => out || holds === 'none');
  }

  get sources(): number {
    return this.#sources.size;
  }

  holds(index: number): boolean {
    return this.#held[index] === 1;
  }

  /** A proved chunk is here. */
  hold(index: number): void {
    if (this.#held[index] === 1) return;
    this.#held[index] = 1;
    this.#missing -= 1;
  }

  add(peer: PeerKey): void {
    if (this.#sources.has(peer) || this.#sources.size >= this.#options.limits.candidatesMax) return;
    const claimed = new Uint8Array(Math.ceil(this.#options.count / 8));
    this.#sources.set(peer, { holds: 'unknown', claimed, out: false, misses: 0, askAt: 0, open: 0 });
  }

  /** What to ask now; counts as asked, here and in the paces. Each is answered by `delivered`, `lacked` or `failed`. */
  next(now: number): readonly ChunkAsk[] {
    const asks: ChunkAsk[] = [];
    for (let before = -1; before < asks.length; ) {
      before = asks.length;
      for (const [peer, source] of this.#sources) {
        const index = this.#mayAsk(peer, source, now) ? this.#choose(peer, source, now) : null;
        if (index === null) continue;
        const askedOf = this.#asked.get(index) ?? new Map<PeerKey, number>();
        this.#asked.set(index, askedOf.set(peer, now));
        source.open += 1;
        this.#options.paces.begin(peer);
        asks.push({ peer, index });
      }
    }
    return asks;
  }

  /** The peer sent a chunk that was proved. */
  delivered({ peer, index }: ChunkAsk): void {
    this.hold(index);
    const source = this.#closed(peer, index);
    source.misses = 0;
    if (!(source.holds instanceof Uint8Array && bitOf(source.holds, index))) source.holds = 'all';
  }

  /** The peer has not got this chunk; `has` is a bitmap of those that it has, null if there are none. */
  lacked({ peer, index }: ChunkAsk, has: Uint8Array | null, now: number): void {
    const { askAgainMs, askAgainMaxMs, missesMax } = this.#options.limits;
    const source = this.#closed(peer, index);
    const grown = has !== null && addBits(source.claimed, has);
    source.holds = has ?? 'none';
    source.misses = grown ? 0 : source.misses + 1;
    source.askAt = now + Math.min(askAgainMaxMs, askAgainMs * 2 ** source.misses);
    if (source.misses >= missesMax) source.out = true;
  }

  /** The peer is of no use for this payload. */
  failed({ peer, index }: ChunkAsk): void {
    this.#closed(peer, index).out = true;
  }

  /** Peers that let a request wait for longer than they may. */
  late(now: number): readonly PeerKey[] {
    const late = new Set<PeerKey>();
    for (const askedOf of this.#asked.values()) {
      for (const [peer, at] of askedOf) if (now >= at + this.#options.paces.lateAfter(peer)) late.add(peer);
    }
    return [...late];
  }

  /** When time alone may change something; null: only an answer or room for another request will. */
  wakeAt(now: number): number | null {
    const { paces } = this.#options;
    const times: number[] = [];
    let hedgeMs = Number.POSITIVE_INFINITY;
    for (const [peer, { out, askAt }] of this.#sources) {
      if (out) continue;
      times.push(askAt);
      if (paces.hasRoom(peer)) hedgeMs = Math.min(hedgeMs, paces.hedgeAfter(peer));
    }
    for (const askedOf of this.#asked.values()) {
      for (const [peer, at] of askedOf) {
        times.push(at + paces.reassignAfter(peer), at + paces.lateAfter(peer), at + hedgeMs);
      }
    }
    const ahead = times.filter((time) => time > now && Number.isFinite(time));
    return ahead.length === 0 ? null : Math.min(...ahead);
  }

  /** This process stood still for so long: nobody's fault among the peers. */
  forgive(ms: number): void {
    for (const askedOf of this.#asked.values()) for (const [peer, at] of askedOf) askedOf.set(peer, at + ms);
  }

  #closed(peer: PeerKey, index: number): Source {
    const askedOf = this.#asked.get(index);
    if (askedOf?.delete(peer) !== true) throw new RangeError('answered a request that was not made');
    if (askedOf.size === 0) this.#asked.delete(index);
    const source = this.#sources.get(peer)!;
    source.open -= 1;
    return source;
  }

  #mayAsk(peer: PeerKey, { out, askAt, holds, open }: Source, now: number): boolean {
    const known = holds === 'all' || this.#isOfUse(holds);
    return !out && now >= askAt && (known || open === 0) && this.#options.paces.hasRoom(peer);
  }

  /** A bitmap with a chunk that is missing here. One without may have grown: its peer is asked for any chunk. */
  #isOfUse(holds: Holding): holds is Uint8Array {
    return holds instanceof Uint8Array && this.#held.some((held, index) => held === 0 && bitOf(holds, index));
  }

  #choose(peer: PeerKey, { holds }: Source, now: number): number | null {
    const { count, random } = this.#options;
    const bitmap = this.#isOfUse(holds) ? holds : null;
    let best: number | null = null;
    let bestRank = Number.POSITIVE_INFINITY;
    const from = Math.floor(random() * count);
    for (let nth = 0; nth < count; nth += 1) {
      const index = (from + nth) % count;
      if (this.#held[index] === 1 || (bitmap !== null && !bitOf(bitmap, index))) continue;
      const rank = this.#rank(peer, index, now);
      if (rank >= bestRank) continue;
      best = index;
      bestRank = rank;
    }
    return best;
  }

  /** Lower goes first; infinite: not to be asked of this peer now. */
  #rank(peer: PeerKey, index: number, now: number): number {
    const { paces, limits } = this.#options;
    const askedOf = this.#asked.get(index);
    if (askedOf === undefined) return this.#holders(index);
    if (askedOf.has(peer)) return Number.POSITIVE_INFINITY;
    const waits = [...askedOf].every(([other, at]) => now >= at + paces.reassignAfter(other));
    if (waits) return limits.candidatesMax + 1;
    const [at] = askedOf.values();
    const hedged = askedOf.size === 1 && now >= at! + paces.hedgeAfter(peer);
    return hedged ? limits.candidatesMax + 2 : Number.POSITIVE_INFINITY;
  }

  /** How many of those who pull the payload themselves have this chunk. */
  #holders(index: number): number {
    let holders = 0;
    for (const { holds } of this.#sources.values()) {
      if (holds instanceof Uint8Array && bitOf(holds, index)) holders += 1;
    }
    return holders;
  }
}

/** Bit `index` of a bitmap, lowest bit of each byte first; bits past its end are 0. */
export function bitOf(bitmap: Uint8Array, index: number): boolean {
  return (((bitmap[index >> 3] ?? 0) >> (index & 7)) & 1) === 1;
}

/** Adds bits to a bitmap of the same length; false if it had them all. */
function addBits(bitmap: Uint8Array, added: Uint8Array): boolean {
  let grown = false;
  for (const [at, byte] of added.entries()) {
    const sum = bitmap[at]! | byte;
    if (sum !== bitmap[at]) grown = true;
    bitmap[at] = sum;
  }
  return grown;
}
