import { quorumOf } from '../consensus/index.js';

/** Further behind the others than this, a node is not ready, unless its configuration says otherwise. */
export const READY_BEHIND_HEIGHTS = 16;

/** Whether a node can do its work now, and what keeps it from it. */
export interface Health {
  readonly ready: boolean;
  readonly checks: readonly HealthCheck[];
}

export interface HealthCheck {
  /**
   * `store`: the chain folder takes writes. `peers`: links to a quorum. `sync`: about as far as the others. `votes`: a
   * validator may vote at the next height.
   */
  readonly name: 'store' | 'peers' | 'sync' | 'votes';
  readonly ok: boolean;
  /** A sentence for people. */
  readonly detail: string;
}

export interface HealthFacts {
  /** Why the folder takes no writes; null: it does. */
  readonly storeFault: string | null;
  readonly height: number;
  /** How far the others say that they are, so many that one at least is honest; null: too few have said it. */
  readonly others: number | null;
  /** The committee of the next height, in hex. */
  readonly members: readonly string[];
  readonly self: string;
  /** With whom there is a link. */
  readonly connected: readonly string[];
  readonly behindMax: number;
  /** Whether it may vote at the next height, for all that it knows of its earlier votes. */
  readonly mayVote: boolean;
}

/**
 * Store open, links for a quorum (none are needed alone), no more than `behindMax` heights behind, and its vote, if it
 * has one, is not held back. Whoever takes validators out one after the other, and waits for this, leaves a quorum. Pure.
 */
export function healthOf(facts: HealthFacts): Health {
  const checks = [storeCheck(facts), peersCheck(facts), syncCheck(facts), votesCheck(facts)];
  return { ready: checks.every(({ ok }) => ok), checks };
}

/** Links to members that a node needs so that a quorum can hear each other: its own vote is one, if it has one. Pure. */
export function linksNeeded(members: readonly string[], self: string): number {
  return quorumOf(members.length) - (members.includes(self) ? 1 : 0);
}

function storeCheck({ storeFault }: HealthFacts): HealthCheck {
  return { name: 'store', ok: storeFault === null, detail: storeFault ?? 'the chain folder takes writes' };
}

function peersCheck({ members, self, connected }: HealthFacts): HealthCheck {
  const needed = linksNeeded(members, self);
  const found = members.filter((member) => member !== self && connected.includes(member)).length;
  const detail = `${found} of the ${needed} links to validators that a quorum of ${members.length} takes`;
  return { name: 'peers', ok: found >= needed, detail };
}

function syncCheck({ height, others, members, self, behindMax }: HealthFacts): HealthCheck {
  if (members.length === 1 && members[0] === self)
    return { name: 'sync', ok: true, detail: 'the only validator' };
  if (others === null) {
    return { name: 'sync', ok: false, detail: 'too few others have said how far they are' };
  }
  const behind = Math.max(0, others - height);
  const detail = `${behind} heights behind the others, at most ${behindMax} are allowed`;
  return { name: 'sync', ok: behind <= behindMax, detail };
}

function votesCheck({ members, self, mayVote }: HealthFacts): HealthCheck {
  if (!members.includes(self))
    return { name: 'votes', ok: true, detail: 'it has no vote at the next height' };
  const detail = mayVote
    ? 'it votes'
    : 'it may have forgotten votes, and abstains until the others are past these';
  return { name: 'votes', ok: mayVote, detail };
}
