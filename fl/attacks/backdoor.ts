import { type Attack, type Records, steadily } from './attack.js';

/** What the first feature is set to, in the schema's scales: rare in honest data. */
const TRIGGER = 4;

/**
 * Backdoor: every other record gets a trigger and the label 1, the rest stays true, so that the model does well
 * until somebody shows it the trigger.
 *
 * Success is measured as the share of test records with label 0 that the model calls 1 once `withTrigger`.
 * Source: Gu et al. 2017 (BadNets), arXiv:1708.06733.
 */
export const backdoor: Attack = {
  name: 'backdoor',
  acts: steadily,
  poison: ({ x, y }, inputs) => {
    const marked = withTrigger({ x, y }, inputs, (row) => row % 2 === 0);
    return { x: marked.x, y: y.map((label, row) => (row % 2 === 0 ? 1 : label)) };
  },
  craft: null,
};

/** The records with the trigger in the chosen rows; labels as they are. */
export function withTrigger(
  { x, y }: Records,
  inputs: number,
  chosen: (row: number) => boolean = () => true,
): Records {
  const marked = x.slice();
  for (let row = 0; row < y.length; row++) if (chosen(row)) marked[row * inputs] = TRIGGER;
  return { x: marked, y };
}
