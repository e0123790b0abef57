import type { Clock } from './clock.js';

/*
 * The seed paper's agreement, as a yardstick: each verifier votes once for the leader's block; who sees more
 * than two thirds of the votes commits it; who sees no quorum until its time is out commits the empty block.
 * Nobody lies. It forks all the same: whether a quorum was seen in time is not the same question at everyone.
 */

export interface SingleVoteMember {
  /** Takes the leader's block or a vote for it. */
  readonly receive: (message: SingleVoteMessage) => void;
  readonly committed: () => string | null;
}

export type SingleVoteMessage =
  | { readonly kind: 'block'; readonly value: string }
  | { readonly kind: 'vote'; readonly value: string; readonly member: number };

export const EMPTY = 'empty';

export function createSingleVoteMember(options: {
  readonly clock: Clock;
  readonly self: number;
  readonly quorum: number;
  readonly timeoutMs: number;
  readonly broadcast: (message: SingleVoteMessage) => void;
}): SingleVoteMember {
  const { clock, self, quorum, timeoutMs, broadcast } = options;
  const voters = new Set<number>();
  let hasVoted = false;
  let committed: string | null = null;
  clock.after(timeoutMs, () => {
    committed ??= EMPTY;
  });

  const count = (member: number, value: string) => {
    voters.add(member);
    if (voters.size >= quorum) committed ??= value;
  };
  return {
    receive: (message) => {
      if (message.kind === 'vote') {
        count(message.member, message.value);
      } else if (!hasVoted && committed === null) {
        hasVoted = true;
        broadcast({ kind: 'vote', value: message.value, member: self });
        count(self, message.value);
      }
    },
    committed: () => committed,
  };
}
