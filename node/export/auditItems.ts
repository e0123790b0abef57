import {
  type Anchor,
  type AuditReport,
  createReplay,
  openBase,
  type Replay,
  type ReplayBase,
  type ReplayEntry,
  type ReplayState,
} from '../../audit/index.js';
import type { ChainStart } from '../../genesis/index.js';
import type { ExportItem } from './car.js';
import { ExportError } from './error.js';
import { replayAlone, replayInParallel } from './pipeline.js';
import type { ProofPool } from './proofPool.js';

export interface AuditOptions {
  readonly chain: ChainStart;
  readonly anchors: readonly Anchor[];
  /** First height of the file: 1, unless it is known to be a range. */
  readonly from: number;
  /** Where an earlier audit of the same chain came to: the items go on from there. */
  readonly resume?: ReplayState;
  readonly items: AsyncGenerator<ExportItem>;
  readonly pool: ProofPool | null;
  readonly onHeight: (height: number) => void;
}

/** The audit of what was read from a file, wherever that lies. */
export async function auditItems(options: AuditOptions): Promise<AuditReport> {
  const { chain, anchors, from, resume, items, pool, onHeight } = options;
  const whole = resume === undefined ? { anchors } : { anchors, from: { state: resume, trusted: true } };
  // Replaced, if a range holds what it is to begin with.
  let replay = createReplay(chain, from === 1 ? whole : { anchors, linksFrom: from });
  try {
    const first = await items.next();
    const item = first.done === true ? null : first.value;
    if (item?.kind === 'base') replay = openRange(options, replay, item.base);
    const entries = entriesOf(item, items);
    const told = (): void => onHeight(replay.height);
    if (pool === null) await replayAlone(replay, entries, told);
    else await replayInParallel(replay, entries, pool, told);
  } catch (error) {
    const isOfFile =
      error instanceof ExportError && error.code !== 'worker-failed' && error.code !== 'not-found';
    if (!isOfFile) throw error;
    replay.break(error.code, error.message);
  } finally {
    await items.return(undefined);
  }
  return replay.report();
}

/** The replay from the state that the file begins with; or the given one, with what speaks against that. */
function openRange({ chain, anchors, from }: AuditOptions, refusing: Replay, base: ReplayBase): Replay {
  if (base.height + 1 !== from) {
    const hint = `the file is a range, and --from ${base.height + 1} checks it as one`;
    refusing.break('wrong-height', hint);
    return refusing;
  }
  const opened = openBase(chain, base);
  if (opened.ok) return createReplay(chain, { anchors, from: { state: opened.state, trusted: false } });
  refusing.refuse(opened.divergence);
  return refusing;
}

async function* entriesOf(
  first: ExportItem | null,
  items: AsyncGenerator<ExportItem>,
): AsyncGenerator<ReplayEntry> {
  if (first?.kind === 'entry') yield first.entry;
  for await (const item of items) if (item.kind === 'entry') yield item.entry;
}
