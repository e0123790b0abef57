import { type PayloadRef, readState } from '../../chain/index.js';
import type { Tip } from '../../consensus/index.js';
import { type Closings, closingJob, dueClosings } from '../../contracts/index.js';
import type { RoundOutcome } from '../../fl/index.js';
import type { Store } from '../store/index.js';
import type { Clock } from './clock.js';
import type { Closer } from './closer.js';
import type { MarkedInputs } from './marks.js';

/** How long to wait before peers are asked again for what a closing rests on. */
const AGAIN_MS = 500;

export interface ComputedClosings {
  readonly closings: Closings;
  /** One of them was taken from a decided block's receipts: whoever has it must not vote at this height. */
  readonly isMarked: boolean;
}

/**
 * The outcomes that the block after `tip` begins with, computed in a worker. A node that caught up with others who
 * have pruned may lack what one rests on: then it is pulled, or, if the next block is decided, taken from its
 * receipts. Waits for that as long as it takes; null: the node was closed meanwhile.
 */
export async function computeClosings(
  tip: Tip,
  parts: {
    readonly store: Pick<Store, 'payload'>;
    readonly closer: Pick<Closer, 'run'>;
    readonly marks: Pick<MarkedInputs, 'forClosing'>;
    readonly clock: Clock;
  },
  isClosed: () => boolean,
): Promise<ComputedClosings | null> {
  const { store, closer, marks, clock } = parts;
  const outcomes = new Map<string, RoundOutcome>();
  let isMarked = false;
  for (const due of dueClosings(readState(tip.state), tip.height, tip.time)) {
    if (!due.quorate) continue;
    const job = closingJob(due, (id) => store.payload(id));
    let found = job === null ? await marks.forClosing(tip, due) : ({ kind: 'job', job } as const);
    while (found === null) {
      if (isClosed()) return null;
      await new Promise<void>((resolve) => clock.after(AGAIN_MS, resolve));
      found = await marks.forClosing(tip, due);
    }
    isMarked ||= found.kind === 'marked';
    outcomes.set(due.id, found.kind === 'marked' ? found.outcome : await closer.run(found.job));
  }
  return { closings: outcomes, isMarked };
}

/** Models, accumulators and optimizers' memories that marked outcomes name: bytes that this node did not make. */
export function namedBy(closings: Closings): readonly PayloadRef[] {
  return [...closings.values()]
    .flatMap(({ weights, accumulator, optimizer }) => [weights, accumulator, optimizer])
    .filter((one): one is PayloadRef => one !== null && !(one instanceof Uint8Array));
}
