import { neededRefs } from '../../audit/index.js';
import type { Receipt, StateReader, Transaction } from '../../chain/index.js';
import { closedEvents, modelCell, openEvaluations, taskCell, taskCountCell } from '../../contracts/index.js';
import { bytesToHex } from '../../crypto/index.js';

/** A height as it was committed, as far as it tells what was done with payloads. */
export interface Height {
  readonly height: number;
  readonly transactions: readonly Transaction[];
  readonly receipts: readonly Receipt[];
}

export interface PlanOptions {
  /** Heights for which the payloads of a task's closed rounds are kept; null: there is no such task. */
  readonly auditHeights: (task: number) => number | null;
  /** The height before the first that is fed: 0, or where a folder was joined. What lies below stays. */
  readonly base: number;
  /** Others are not remembered. */
  readonly isHeld: (id: string) => boolean;
  /** A task whose payloads go as soon as nothing open rests on them, whatever its audit window. Not its model. */
  readonly erase?: number;
}

/** Hex ids of what a round begins with. `kept`: the accumulator, and what the optimizer keeps, as far as there are any. */
interface Start {
  readonly weights: string;
  readonly kept: readonly string[];
}

/**
 * Knows which payloads may go, and when: fed with every height from the first on, in order.
 *
 * What may go, its task's audit window after the height at which nothing more follows from it: the updates of a round
 * when it has closed; late and refused ones when they were in a block; the model, the accumulator and what the
 * optimizer kept that a round began with when it has closed; a task's last ones but the model when it has ended. A payload that is named more than once
 * goes by the latest of these heights, so nobody can make another's go early by sending the same bytes. Everything
 * else stays: payloads of other transactions, and each task's newest model.
 *
 * Memory: an entry for each held payload that may go. Cost: that of the height's events.
 */
export class PruningPlan {
  readonly #options: PlanOptions;
  /** Hex id to the height from which on it may go. */
  readonly #due = new Map<string, number>();
  readonly #byHeight = new Map<number, string[]>();
  /** Named by open rounds, by `task`. */
  readonly #open = new Map<number, string[]>();
  /** What the next round of a task begins with. */
  readonly #start = new Map<number, Start>();
  #height = 0;
  #looked = 0;

  constructor(options: PlanOptions) {
    this.#options = options;
    this.#height = options.base;
    this.#looked = options.base;
  }

  /** The last height that was fed. */
  get height(): number {
    return this.#height;
  }

  feed({ height, transactions, receipts }: Height): void {
    this.#height = height;
    const [begun, ...others] = receipts;
    for (const closed of closedEvents(begun!)) {
      this.#endRound(closed.task, height);
      const { weights, accumulator, optimizer } = closed.outcome;
      const kept = [accumulator, optimizer].filter((ref) => ref !== null).map(hex);
      this.#supersede(closed.task, height, { weights: hex(weights), kept });
    }
    for (const event of begun!.events) {
      const { task, weights } = event.fields as { task: number; weights: Uint8Array };
      const what = `${event.contract}/${event.kind}`;
      if (what === 'training/opened') this.#start.set(task, { weights: bytesToHex(weights), kept: [] });
      if (what === 'training/round-failed') this.#endRound(task, height);
      if (what === 'tasks/done') this.#endTask(task, height);
    }
    for (const [i, transaction] of transactions.entries()) this.#take(transaction, others[i]!, height);
  }

  /** Hex ids that may go at this head, each told once; whoever could not remove one gives it `back`. */
  dueBy(head: number): readonly string[] {
    const found: string[] = [];
    for (; this.#looked < head; this.#looked += 1) {
      const at = this.#looked + 1;
      for (const id of this.#byHeight.get(at) ?? []) {
        if (this.#due.get(id) !== at) continue;
        this.#due.delete(id);
        found.push(id);
      }
      this.#byHeight.delete(at);
    }
    return found;
  }

  /** Told again after some heights. */
  back(id: string, head: number): void {
    this.#at(id, head + AGAIN_HEIGHTS);
  }

  #take({ contract, method, args, payloads }: Transaction, { ok, events }: Receipt, height: number): void {
    if (contract !== 'training' || method !== 'update') return;
    const task = (args as { readonly task?: unknown } | null)?.task;
    if (typeof task !== 'number') return;
    const counts = ok && events.some(({ kind }) => kind === 'update');
    for (const { id } of payloads) {
      const name = bytesToHex(id);
      if (counts) addTo(this.#open, task, name);
      else this.#release(task, name, height);
    }
  }

  #endRound(task: number, height: number): void {
    for (const id of this.#open.get(task) ?? []) this.#release(task, id, height);
    this.#open.delete(task);
  }

  /** What goes on into the next round as it was (nothing qualified) is not superseded. */
  #supersede(task: number, height: number, next: Start): void {
    const before = this.#start.get(task);
    this.#start.set(task, next);
    if (before === undefined) return;
    const staying = new Set([next.weights, ...next.kept]);
    for (const id of [before.weights, ...before.kept]) if (!staying.has(id)) this.#release(task, id, height);
  }

  #endTask(task: number, height: number): void {
    for (const id of this.#start.get(task)?.kept ?? []) this.#release(task, id, height);
    this.#start.delete(task);
  }

  #release(task: number, id: string, height: number): void {
    const window = task === this.#options.erase ? 0 : this.#options.auditHeights(task);
    if (window !== null && this.#options.isHeld(id)) this.#at(id, height + window);
  }

  /** The latest counts. */
  #at(id: string, height: number): void {
    if ((this.#due.get(id) ?? 0) >= height) return;
    const at = Math.max(height, this.#looked + 1);
    this.#due.set(id, at);
    addTo(this.#byHeight, at, id);
  }
}

/** What is still wanted when its time has come is asked for again so much later. */
const AGAIN_HEIGHTS = 16;

/** Hex ids that must stay whatever a plan says: what open rounds rest on, and the newest model of every task. */
export function neededNow(state: StateReader): ReadonlySet<string> {
  const needed = new Set(neededRefs(state).map(hex));
  for (let task = 1; task <= (taskCountCell.get(state) ?? 0); task += 1) {
    const model = modelCell.get(state, task);
    if (model !== null) needed.add(hex(model));
  }
  for (const { weights } of openEvaluations(state)) needed.add(hex(weights));
  return needed;
}

/** The audit window of a task, as its publisher fixed it. */
export function auditHeightsOf(state: StateReader, task: number): number | null {
  return taskCell.get(state, task)?.spec.auditHeights ?? null;
}

function addTo(lists: Map<number, string[]>, key: number, item: string): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}

function hex({ id }: { readonly id: Uint8Array }): string {
  return bytesToHex(id);
}
