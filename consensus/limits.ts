/** All bounds of this room. Each is a hard limit; what exceeds one is refused with a reason. */

/** Members of a committee: all validators up to 100. */
export const MEMBERS_MAX = 100;

/** Seats on the ring. */
export const RING_SEATS_MAX = 10_000;

/** Weight of one seat; keeps the ring's total below 2^53. */
export const SEAT_WEIGHT_MAX = 1_000_000_000;

/** Periods before the current one whose votes are kept, so that a late cert quorum still commits. */
export const PERIODS_BEHIND_MAX = 8;

/** Periods after the current one (and after the one that f+1 members have reached) whose votes are kept. */
export const PERIODS_AHEAD_MAX = 8;

/**
 * Distinct values kept per (period, step, member) before anybody else backs them. An honest member signs one
 * soft and one cert value, and at most three next values (carried, ⊥, soft quorum's). Further values of an
 * equivocator are kept only once f+1 members back them: without this exception it could fill its slots at one
 * member with junk and so hide the vote that made a quorum at another.
 */
export const VALUES_PER_MEMBER_MAX = { soft: 2, cert: 2, next: 3 } as const;

/** Proposals of one height looked at; an honest leader makes one. */
export const PROPOSALS_MAX = 4;
