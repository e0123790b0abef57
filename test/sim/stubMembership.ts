import { quorumOf } from '../../consensus/index.js';
import { SEATS_MIN } from '../../contracts/index.js';
import type { Approval } from './chain.js';
import { isDone, nameOf } from './membership.js';

/** Who has seats after a block of the stub chain, and the rings that follow from it: the identity contract's rule. */
export interface StubSeats {
  /** Sorted. */
  readonly seats: readonly number[];
  /** By change that is open, in the order of proposal. */
  readonly approvals: ReadonlyMap<string, readonly number[]>;
  /** By era, up to the one after the running one; those before the former one are forgotten. */
  readonly rings: ReadonlyMap<number, readonly number[]>;
  /** Of all the above; empty while nothing was ever changed. */
  readonly root: string;
}

/** The rules of joining and leaving that a simulation may break to see whether it notices. */
export interface SeatRules {
  /** The ring that draws the committees of an era. */
  readonly ringOf: (seats: StubSeats, era: number) => readonly number[];
  /** Whether a node's approval counts. */
  readonly counts: (seats: readonly number[], node: number) => boolean;
  readonly approvalsNeeded: (seats: number) => number;
}

export const SEAT_RULES: SeatRules = {
  ringOf: ({ rings }, era) => rings.get(era)!,
  counts: (seats, node) => seats.includes(node),
  approvalsNeeded: quorumOf,
};

export function seatsAtGenesis(members: number): StubSeats {
  const seats = Array.from({ length: members }, (_, node) => node);
  return { seats, approvals: new Map(), rings: new Map([0, 1].map((era) => [era, seats])), root: '' };
}

/** The first block of an era fixes the ring of the next one, from what stood at the end of the era before. */
export function withRingOf(before: StubSeats, era: number): StubSeats {
  const rings = new Map([...before.rings, [era + 1, before.seats] as const]);
  rings.delete(era - 2);
  return rooted({ ...before, rings });
}

/** One approval, as `contracts/identity/apply.ts` takes it: what it refuses changes nothing. */
export function approved(rules: SeatRules, before: StubSeats, { by, change }: Approval): StubSeats {
  const { seats } = before;
  const name = nameOf(change);
  const given = before.approvals.get(name) ?? [];
  if (!rules.counts(seats, by) || isDone(change, seats) || given.includes(by)) return before;
  if (change.kind === 'leave' && seats.length <= SEATS_MIN) return before;
  const now = [...given, by].sort((a, b) => a - b);
  const approvals = new Map(before.approvals).set(name, now);
  const counted = now.filter((node) => rules.counts(seats, node)).length;
  if (counted < rules.approvalsNeeded(seats.length)) return rooted({ ...before, approvals });
  approvals.delete(name);
  const { kind, node } = change;
  const next =
    kind === 'join' ? [...seats, node].sort((a, b) => a - b) : seats.filter((other) => other !== node);
  return rooted({ ...before, seats: next, approvals });
}

function rooted(after: StubSeats): StubSeats {
  const open = [...after.approvals].map(([name, by]) => `${name} by ${by.join(' ')}`);
  const rings = [...after.rings].map(([era, ring]) => `${era}: ${ring.join(' ')}`);
  return { ...after, root: [`seats ${after.seats.join(' ')}`, ...open, ...rings].join('; ') };
}
