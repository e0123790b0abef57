import type { Draft } from '../chain.js';
import type { Message } from '../message.js';
import type { SimNode } from '../node.js';

export interface Said {
  readonly message: Message;
  readonly afterMs?: number;
}

/** How a dishonest node departs from the honest one that it runs inside. */
export interface Behaviour {
  /** What it really says to `to` where an honest node would send `message`. */
  readonly say?: (to: number, message: Message) => readonly Said[];
  /** What it really puts into its block as leader. */
  readonly draft?: (draft: Draft) => Draft;
  /** Its disk keeps nothing of an undecided height, and it restarts often. */
  readonly forgets?: boolean;
}

/** Made anew for each dishonest node; what it remembers lies in the closure. */
export type Strategy = (node: SimNode) => Behaviour;

/** One after the other: what one says passes through the next. */
export function combine(behaviours: readonly Behaviour[]): Required<Behaviour> {
  return {
    say: (to, message) =>
      behaviours.reduce<readonly Said[]>(
        (said, { say }) => (say ? said.flatMap((each) => passOn(each, say(to, each.message))) : said),
        [{ message }],
      ),
    draft: (honest) => behaviours.reduce((draft, each) => each.draft?.(draft) ?? draft, honest),
    forgets: behaviours.some(({ forgets }) => forgets),
  };
}

function passOn({ afterMs = 0 }: Said, said: readonly Said[]): readonly Said[] {
  return said.map((each) => ({ message: each.message, afterMs: afterMs + (each.afterMs ?? 0) }));
}
