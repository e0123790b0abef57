import { TrainerError } from './error.js';
import type { DescendJob, TrainJob, TrainResult } from './job.js';
import type { Reply, Request } from './message.js';
import { startThread, type Thread } from './thread.js';

export interface PoolOptions {
  /** Worker threads, 1 to THREADS_MAX; about one a core, since each uses one core while it trains. */
  readonly threads: number;
  /** Jobs that may wait for a free thread. One more is refused with "queue-full". */
  readonly queueMax: number;
  /** A job that takes longer is given up and its worker replaced; two minutes if not given. */
  readonly jobTimeoutMs?: number;
  /** Threads that had nothing to do for so long end; a minute if not given. */
  readonly idleMs?: number;
}

export const THREADS_MAX = 64;
/** Workers that may die one after another, with no job done in between, before the pool gives up. */
export const CRASHES_MAX = 5;
const JOB_TIMEOUT_MS = 120_000;
const IDLE_MS = 60_000;

interface Task {
  readonly request: Request;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: TrainerError) => void;
}

interface Slot {
  readonly thread: Thread;
  running: { readonly task: Task; readonly timer: ReturnType<typeof setTimeout> } | null;
}

/**
 * Owns the threads in which devices train, so that a node never misses a vote because it trains.
 *
 * Jobs run in the order they came, one a thread; each promise settles exactly once, with a TrainerError on
 * failure (codes there). A job whose worker dies is rejected and not tried again: it may be what killed it.
 * Threads start with the jobs that need them, or beforehand by `prepare`, and end when none has come for a while.
 * Memory: about 60 MB a thread. Until close() threads keep the process alive.
 */
export class TrainerPool {
  readonly #options: Required<PoolOptions>;
  readonly #slots = new Set<Slot>();
  readonly #waiting: Task[] = [];
  readonly #ending = new Set<Promise<unknown>>();
  #crashes = 0;
  #closed = false;
  #idle: ReturnType<typeof setTimeout> | undefined;

  constructor(options: PoolOptions) {
    this.#options = { jobTimeoutMs: JOB_TIMEOUT_MS, idleMs: IDLE_MS, ...options };
    const { threads, queueMax, jobTimeoutMs, idleMs } = this.#options;
    if (!isWhole(threads, 1, THREADS_MAX)) throw new RangeError(`threads: 1 to ${THREADS_MAX}`);
    if (!isWhole(queueMax, 0, 2 ** 20)) throw new RangeError('queueMax: 0 to 2^20');
    if (!isWhole(jobTimeoutMs, 1, 2 ** 31 - 1)) throw new RangeError('jobTimeoutMs: 1 to 2^31 - 1');
    if (!isWhole(idleMs, 1, 2 ** 31 - 1)) throw new RangeError('idleMs: 1 to 2^31 - 1');
  }

  /** How many there are now. */
  get threads(): number {
    return this.#slots.size;
  }

  /** Starts the threads that jobs soon to come will need: they would wait for the start else, some tenths of a second. */
  prepare(): void {
    if (this.#closed) return;
    while (this.#mayStart()) this.#startWorker();
    this.#rest();
  }

  /** One private step, see trainStep. The job's arrays are copied, not taken over. */
  async train(job: TrainJob): Promise<TrainResult> {
    const reply = await this.#submit({ kind: 'train', job });
    if (reply.kind !== 'trained') throw new TypeError(`asked to train, got ${reply.kind}`);
    return reply.result;
  }

  /** The central baseline, see descend. */
  async descend(job: DescendJob): Promise<Float32Array> {
    const reply = await this.#submit({ kind: 'descend', job });
    if (reply.kind !== 'descended') throw new TypeError(`asked to descend, got ${reply.kind}`);
    return reply.weights;
  }

  /** Rejects what waits or runs with "closed" and ends when every thread has ended. May be called again. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#idle);
    const error = new TrainerError('closed', 'the trainer pool was closed');
    for (const task of this.#waiting.splice(0)) task.reject(error);
    for (const slot of this.#slots) {
      this.#take(slot)?.reject(error);
      this.#end(slot);
    }
    await Promise.all(this.#ending);
  }

  #submit(request: Request): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw new TrainerError('closed', 'the trainer pool is closed');
      if (this.#slots.size === 0 && !this.#mayStart())
        throw new TrainerError('worker-crashed', `${CRASHES_MAX} trainer threads died one after another`);
      const task: Task = { request, resolve, reject };
      const idle = [...this.#slots].find((slot) => slot.running === null);
      if (idle !== undefined) return this.#run(idle, task);
      if (this.#mayStart()) return this.#run(this.#startWorker(), task);
      if (this.#waiting.length >= this.#options.queueMax)
        throw new TrainerError('queue-full', `${this.#waiting.length} training jobs are waiting`);
      this.#waiting.push(task);
    });
  }

  #mayStart(): boolean {
    return this.#slots.size < this.#options.threads && this.#crashes < CRASHES_MAX;
  }

  /** Counts the time without work, from now on, if there is none. */
  #rest(): void {
    clearTimeout(this.#idle);
    if (this.#closed || [...this.#slots].some((slot) => slot.running !== null)) return;
    this.#idle = setTimeout(() => {
      for (const slot of this.#slots) this.#end(slot);
    }, this.#options.idleMs);
  }

  #run(slot: Slot, task: Task): void {
    clearTimeout(this.#idle);
    slot.thread.post(task.request);
    const timer = setTimeout(() => this.#giveUp(slot), this.#options.jobTimeoutMs);
    slot.running = { task, timer };
  }

  /** Frees the slot; returns the task that ran there. */
  #take(slot: Slot): Task | undefined {
    const running = slot.running;
    slot.running = null;
    clearTimeout(running?.timer);
    return running?.task;
  }

  #startWorker(): Slot {
    const thread = startThread({
      answered: (reply) => this.#answered(slot, reply),
      // Told twice, the second call finds the slot gone.
      lost: (cause) => this.#lost(slot, cause),
    });
    const slot: Slot = { thread, running: null };
    this.#slots.add(slot);
    return slot;
  }

  #answered(slot: Slot, reply: Reply): void {
    const task = this.#take(slot);
    this.#crashes = 0;
    this.#fill();
    if (reply.kind === 'refused') task?.reject(new TrainerError(reply.code, reply.message));
    else task?.resolve(reply);
  }

  #giveUp(slot: Slot): void {
    const text = `training took longer than ${this.#options.jobTimeoutMs} ms`;
    this.#take(slot)?.reject(new TrainerError('timed-out', text));
    this.#end(slot);
    this.#fill();
  }

  /** Stops a thread from outside; that it is lost is then no crash, since the slot is gone. */
  #end(slot: Slot): void {
    this.#slots.delete(slot);
    const ending: Promise<unknown> = slot.thread.end().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  #lost(slot: Slot, cause: unknown): void {
    if (!this.#slots.delete(slot)) return;
    this.#take(slot)?.reject(new TrainerError('worker-crashed', 'a trainer thread died', { cause }));
    this.#crashes++;
    this.#fill();
    if (this.#slots.size > 0 || this.#mayStart()) return;
    const error = new TrainerError('worker-crashed', 'every trainer thread died', { cause });
    for (const task of this.#waiting.splice(0)) task.reject(error);
  }

  /** Gives what waits to whoever is free, and to new threads while there may be more. */
  #fill(): void {
    for (;;) {
      const free = [...this.#slots].find(({ running }) => running === null);
      if (this.#waiting.length === 0 || (free === undefined && !this.#mayStart())) break;
      this.#run(free ?? this.#startWorker(), this.#waiting.shift()!);
    }
    this.#rest();
  }
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= least && value <= most;
}
