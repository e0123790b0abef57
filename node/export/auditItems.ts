import {
  type Anchor,
  type AuditReport,
  createReplay,
  openBase,
  type Replay,
  type ReplayEntry,
} from '../../audit/index.js';
import type { ChainStart } from '../../genesis/index.js';
import type { ExportItem } from './car.js';
import { ExportError } from './error.js';
import { replayAlone, replayInParallel } from './pipeline.js';
import type { ProofPool } from './proofPool.js';

export interface AuditOptions {
  readonly chain: ChainStart;
  readonly anchors: readonly Anchor[];
  readonly from: number;
  readonly items: AsyncGenerator<ExportItem>;
  readonly pool: ProofPool | null;
  readonly onHeight: (height: number) => void;
}

/** The audit of what was read from a file, wherever that lies. */
export async function auditItems({
  chain,
  anchors,
  from,
  items,
  pool,
  onHeight,
}: AuditOptions): Promise<AuditReport> {
  let replay: Replay | null = null;
  try {
    const first = await items.next();
    const opened = open(chain, anchors, from, first.done === true ? null : first.value);
    replay = opened.replay;
    if (opened.isBroken) return replay.report();
    const entries = entriesOf(first.done === true ? null : first.value, items);
    const settled = replay;
    const told = (): void => onHeight(settled.height);
    if (pool === null) await replayAlone(replay, entries, told);
    else await replayInParallel(replay, entries, pool, told);
  } catch (error) {
    const isOfFile =
      error instanceof ExportError && error.code !== 'worker-failed' && error.code !== 'not-found';
    if (!isOfFile) throw error;
    replay ??= createReplay(chain, { anchors });
    replay.break(error.code, error.message);
  } finally {
    await items.return(undefined);
  }
  return replay.report();
}

/** Where the replay begins: at the genesis, or, if a range is asked for, at what the file says came before it. */
function open(
  chain: ChainStart,
  anchors: readonly Anchor[],
  from: number,
  first: ExportItem | null,
): { readonly replay: Replay; readonly isBroken: boolean } {
  if (from === 1) {
    const replay = createReplay(chain, { anchors });
    if (first?.kind === 'base')
      replay.break('wrong-height', `the file is a range: ${rangeHint(first.base.height + 1)}`);
    return { replay, isBroken: first?.kind === 'base' };
  }
  if (first?.kind !== 'base')
    return { replay: createReplay(chain, { anchors, linksFrom: from }), isBroken: false };
  const { base } = first;
  const opened = openBase(chain, base);
  const isHere = base.height + 1 === from;
  if (opened.ok && isHere) {
    return {
      replay: createReplay(chain, { anchors, from: { state: opened.state, trusted: false } }),
      isBroken: false,
    };
  }
  const replay = createReplay(chain, { anchors, linksFrom: base.height });
  if (opened.ok) replay.break('wrong-height', `the range begins elsewhere: ${rangeHint(base.height + 1)}`);
  else replay.refuse(opened.divergence);
  return { replay, isBroken: true };
}

function rangeHint(from: number): string {
  return `--from ${from} checks it as what it says it is`;
}

async function* entriesOf(
  first: ExportItem | null,
  items: AsyncGenerator<ExportItem>,
): AsyncGenerator<ReplayEntry> {
  if (first?.kind === 'entry') yield first.entry;
  for await (const item of items) if (item.kind === 'entry') yield item.entry;
}
