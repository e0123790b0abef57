import type { Random } from '../random.js';

/** The newest so many transitions; older ones make room. Source: Lin 1992; Mnih et al. 2015. */
export interface ReplayBuffer<Transition> {
  readonly length: number;
  push(transition: Transition): void;
  /** Drawn evenly, with replacement. The buffer must not be empty. */
  draw(random: Random): Transition;
}

export function createReplayBuffer<Transition>(most: number): ReplayBuffer<Transition> {
  if (!(Number.isSafeInteger(most) && most >= 1)) throw new RangeError(`room for ${most} transitions`);
  const kept: Transition[] = [];
  let next = 0;
  return {
    get length() {
      return kept.length;
    },
    push: (transition) => {
      kept[next] = transition;
      next = (next + 1) % most;
    },
    draw: (random) => {
      if (kept.length === 0) throw new RangeError('nothing to draw from');
      return kept[random.below(kept.length)]!;
    },
  };
}
