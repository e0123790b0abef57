import { NetError } from './errors.js';
import type { NetLimits } from './limits.js';
import type { PeerAddress, PeerKey } from './transport.js';

interface Member {
  readonly addresses: readonly string[];
  /** Penalty points as of `pointsAtMs`. */
  readonly points: number;
  readonly pointsAtMs: number;
  readonly bannedUntilMs: number;
}

/**
 * Who may connect, where they are, and how they stand: the one owner of these three, so that a removed peer can
 * keep neither an address nor a penalty. Time is a monotonic clock in milliseconds.
 */
export class AllowList {
  readonly #self: PeerKey;
  readonly #limits: NetLimits;
  readonly #now: () => number;
  #members: ReadonlyMap<PeerKey, Member> = new Map();

  constructor(self: PeerKey, limits: NetLimits, now: () => number = () => performance.now()) {
    this.#self = self;
    this.#limits = limits;
    this.#now = now;
  }

  /** Replaces the list; peers that stay keep their standing. Returns the keys that left. */
  replace(peers: readonly PeerAddress[]): readonly PeerKey[] {
    if (peers.length > this.#limits.peersMax) {
      throw new NetError('invalid-peer', `${peers.length} peers, at most ${this.#limits.peersMax}`);
    }
    const next = new Map<PeerKey, Member>();
    for (const { key, addresses } of peers) {
      if (!/^[0-9a-f]{64}$/.test(key)) throw new NetError('invalid-peer', `not a peer key: ${key}`);
      if (key === this.#self) continue;
      const member = this.#members.get(key) ?? { points: 0, pointsAtMs: this.#now(), bannedUntilMs: 0 };
      next.set(key, { ...member, addresses: [...addresses] });
    }
    const removed = [...this.#members.keys()].filter((key) => !next.has(key));
    this.#members = next;
    return removed;
  }

  keys(): readonly PeerKey[] {
    return [...this.#members.keys()];
  }

  addresses(key: PeerKey): readonly string[] {
    return this.#members.get(key)?.addresses ?? [];
  }

  /** Listed and not shut out. */
  admits(key: PeerKey): boolean {
    return this.#members.has(key) && this.banLeftMs(key) === 0;
  }

  /** Milliseconds until a shut-out peer may return; 0 if it is not shut out. */
  banLeftMs(key: PeerKey): number {
    return Math.max(0, (this.#members.get(key)?.bannedUntilMs ?? 0) - this.#now());
  }

  /** Adds points. Returns true when this shuts the peer out, which also clears its points. */
  penalize(key: PeerKey, points: number): boolean {
    const member = this.#members.get(key);
    if (member === undefined || this.banLeftMs(key) > 0) return false;
    const now = this.#now();
    const forgiven = ((now - member.pointsAtMs) / 1000) * this.#limits.penaltyDecayPerSecond;
    const total = Math.max(0, member.points - forgiven) + points;
    const banned = total >= this.#limits.penaltyPointsMax;
    const members = new Map(this.#members);
    members.set(key, {
      addresses: member.addresses,
      points: banned ? 0 : total,
      pointsAtMs: now,
      bannedUntilMs: banned ? now + this.#limits.banMs : 0,
    });
    this.#members = members;
    return banned;
  }
}
