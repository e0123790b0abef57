import { type Block, decodeReceipt, type PayloadRef, type Receipt } from '../../chain/index.js';
import { type ClosedEvent, closedEvents } from '../../contracts/index.js';
import { bytesToHex } from '../../crypto/index.js';

/** What goes with a block of an export so that it can be executed though something is pruned. */
export interface Marked {
  readonly receipts: readonly Uint8Array[];
  readonly made: readonly Uint8Array[];
}

/** What a replay of the export will have of a task when its round closes. */
interface AtHand {
  readonly weights: boolean;
  /** Accumulator and optimizer state, as far as there are any. */
  readonly memory: boolean;
  /** All updates of the open round. */
  readonly updates: boolean;
}

const WHOLE: AtHand = { weights: true, memory: true, updates: true };

/**
 * Follows, height by height, what a replay of an export will have at hand, and so which heights need marked inputs:
 * those that announce something absent, and those that close a round whose updates, model or memory are not
 * there. What such a closing made goes along if it is held: then the next round can be computed again.
 *
 * Call it for every height in order. `fetch` gives the bytes of a payload, or null. Null: the height needs no marks.
 */
export function createMarking(fetch: (ref: PayloadRef) => Promise<Uint8Array | null>) {
  const tasks = new Map<number, AtHand>();

  async function close({ task, outcome }: ClosedEvent): Promise<readonly Uint8Array[] | null> {
    const { weights, memory, updates } = tasks.get(task) ?? WHOLE;
    tasks.delete(task);
    if (weights && memory && updates) return null;
    const model = await fetch(outcome.weights);
    const kept: (Uint8Array | null)[] = [];
    for (const ref of [outcome.accumulator, outcome.optimizer]) if (ref !== null) kept.push(await fetch(ref));
    tasks.set(task, { weights: model !== null, memory: !kept.includes(null), updates: true });
    return [model, ...kept].filter((bytes) => bytes !== null);
  }

  return async (
    block: Block,
    payloads: readonly (Uint8Array | null)[],
    receipts: readonly Uint8Array[],
  ): Promise<Marked | null> => {
    const [begun, ...others] = receipts.map(decodeReceipt);
    const made: Uint8Array[] = [];
    let isNeeded = payloads.includes(null);
    for (const closed of closedEvents(begun!)) {
      const given = await close(closed);
      if (given === null) continue;
      isNeeded = true;
      made.push(...given);
    }
    for (const { task } of trainingEvents(begun!, 'round-failed')) {
      const known = tasks.get(task);
      if (known !== undefined) tasks.set(task, { ...known, updates: true });
    }
    const refs = block.transactions.flatMap((one) => one.payloads);
    const absent = new Set(refs.filter((_, i) => payloads[i] === null).map(({ id }) => bytesToHex(id)));
    const updates = others.flatMap((receipt) => trainingEvents(receipt, 'update'));
    for (const { task } of updates.filter(({ payload }) => absent.has(bytesToHex(payload))))
      tasks.set(task, { ...(tasks.get(task) ?? WHOLE), updates: false });
    return isNeeded ? { receipts, made } : null;
  };
}

/** As the training contract writes them. */
interface TrainingFields {
  readonly task: number;
  readonly payload: Uint8Array;
}

function trainingEvents({ events }: Receipt, wanted: string): readonly TrainingFields[] {
  return events
    .filter(({ contract, kind }) => contract === 'training' && kind === wanted)
    .map(({ fields }) => fields as TrainingFields);
}
