import type { Closings } from '../../contracts/index.js';
import type { RoundOutcome } from '../../fl/index.js';
import type { Logger } from '../log.js';
import type { Closer } from './closer.js';

/**
 * A colluding verifier, for demonstrations and tests: whenever it leads a height at which a round closes, it
 * proposes, and votes for, a block whose verdict is false (the first device's is turned round). It follows the true
 * chain otherwise, as a clever one would: refusing everybody's blocks would only stop itself.
 */
export function createLyingCloser(honest: Closer, fromRound: number, log: Logger): Closer {
  return {
    ...honest,
    propose: (closings) => {
      const lies: Closings = new Map(
        [...closings].map(([id, outcome]) => [id, falsified(id, outcome, fromRound)]),
      );
      const told = [...lies].filter(([id, outcome]) => outcome !== closings.get(id)).map(([id]) => id);
      if (told.length > 0) log('warn', 'false-verdict', { closings: told });
      return lies;
    },
  };
}

function falsified(id: string, outcome: RoundOutcome, fromRound: number): RoundOutcome {
  const round = Number(id.split('/')[1]);
  const [first, ...others] = outcome.verdicts;
  if (round < fromRound || first === undefined) return outcome;
  const turned = first.qualified
    ? { ...first, qualified: false, reason: 'distant' as const }
    : { ...first, qualified: true, reason: null };
  return { ...outcome, verdicts: [turned, ...others] };
}
