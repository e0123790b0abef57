import { setTimeout as delay } from 'node:timers/promises';
import type { Dialect, Prepared } from './dialect.js';
import { post } from './http.js';
import type { LoadReport, Sustained } from './message.js';

/** Connections to one node, each with accounts of its own, so that nonces arrive in their order. */
const LANES_PER_NODE = 2;
/** Accounts that probes use; the rest carry the load. */
export const PROBE_ACCOUNTS = 32;
const PAUSE_MS = 5;
const REFUSED_PAUSE_MS = 50;
const ATTEMPTS_MAX = 10;

interface Lane {
  readonly url: string;
  /** In reverse: the next one is the last. */
  readonly waiting: Prepared[];
  sent: number;
}

/** Keeps a bounded number of transactions on their way. */
export class SustainedLoad {
  readonly #dialect: Dialect;
  readonly #shape: Sustained;
  readonly #urls: readonly string[];
  readonly #lanes: readonly Lane[];
  #committed = 0;
  #sent = 0;
  #refused = 0;
  #lastRefusal: string | null = null;
  #ranDry = false;
  #finalityMs: number[] = [];
  #running = true;

  /** Signs everything: takes about 70 µs a transaction. */
  constructor(dialect: Dialect, urls: readonly string[], accounts: number, shape: Sustained) {
    this.#dialect = dialect;
    this.#shape = shape;
    this.#urls = urls;
    const lanes = urls.length * LANES_PER_NODE;
    const accountsEach = Math.floor((accounts - PROBE_ACCOUNTS) / lanes);
    this.#lanes = Array.from({ length: lanes }, (_, lane) => {
      const transactions = Math.ceil(shape.transactions / lanes);
      const waiting = Array.from({ length: transactions }, (_, i) =>
        dialect.prepare(
          PROBE_ACCOUNTS + lane * accountsEach + (i % accountsEach),
          Math.floor(i / accountsEach),
        ),
      );
      return { url: urls[lane % urls.length]!, waiting: waiting.reverse(), sent: 0 };
    });
  }

  committed(total: number): void {
    this.#committed = total;
  }

  measure(): void {
    this.#finalityMs = [];
  }

  stop(): void {
    this.#running = false;
  }

  async run(): Promise<LoadReport> {
    const start = performance.now();
    await Promise.all([...this.#lanes.map((lane) => this.#drive(lane, start)), this.#probe()]);
    return {
      sent: this.#sent,
      refused: this.#refused,
      lastRefusal: this.#lastRefusal,
      ranDry: this.#ranDry,
      finalityMs: this.#finalityMs,
    };
  }

  async #drive(lane: Lane, start: number): Promise<void> {
    while (this.#running) {
      if (lane.waiting.length === 0) {
        this.#ranDry = true;
        return;
      }
      const count = Math.min(this.#shape.batch, lane.waiting.length, this.#allowance(lane, start));
      if (count <= 0) {
        await delay(PAUSE_MS);
        continue;
      }
      const batch = lane.waiting.splice(-count).reverse();
      this.#sent += count;
      lane.sent += count;
      const answers = await this.#post(lane, batch);
      // One answer for all: a fault of the whole batch, or CometBFT's way to answer a batch of one.
      const answerTo = (i: number) => (Array.isArray(answers) ? (answers as unknown[])[i] : answers);
      const again = batch.filter((_, i) => this.#isRefused(answerTo(i)));
      this.#sent -= again.length;
      lane.sent -= again.length;
      lane.waiting.push(...again.reverse());
      if (again.length > 0) await delay(REFUSED_PAUSE_MS);
    }
  }

  /** A kept-alive connection may end just when it is used again: sent again, what had arrived is known already. */
  async #post(lane: Lane, batch: readonly Prepared[]): Promise<unknown> {
    const body = `[${batch.map(({ request }) => request).join(',')}]`;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await post(lane.url, body);
      } catch (error) {
        if (attempt >= ATTEMPTS_MAX) throw error;
        await delay(REFUSED_PAUSE_MS);
      }
    }
  }

  /** Every lane sends as much as every other, so that no node gets more than its share by answering faster. */
  #allowance(lane: Lane, start: number): number {
    const { rate, outstanding } = this.#shape;
    const due = rate === null ? Number.POSITIVE_INFINITY : ((performance.now() - start) / 1_000) * rate;
    const inAll = Math.min(this.#committed + outstanding, due);
    return Math.floor(Math.min(inAll - this.#sent, inAll / this.#lanes.length - lane.sent));
  }

  #isRefused(answer: unknown): boolean {
    const refusal = this.#dialect.refusal(answer);
    if (refusal === null) return false;
    this.#refused += 1;
    this.#lastRefusal = refusal;
    return true;
  }

  /** Times single transactions beside the load; one account sends its next only when its last is committed. */
  async #probe(): Promise<void> {
    const nonces = new Array<number>(PROBE_ACCOUNTS).fill(0);
    const free = nonces.map((_, account) => account);
    const ways: Promise<void>[] = [];
    for (let turn = 0; this.#running; turn += 1) {
      await delay(this.#shape.probeEveryMs);
      const account = free.shift();
      if (account === undefined) continue;
      const url = this.#urls[turn % this.#urls.length]!;
      const nonce = nonces[account]!;
      nonces[account] = nonce + 1;
      const begun = performance.now();
      this.#sent += 1;
      const way = this.#dialect.commit(url, this.#dialect.prepare(account, nonce)).then(
        () => {
          this.#finalityMs.push(performance.now() - begun);
          free.push(account);
        },
        (error: unknown) => {
          // Its nonce is uncertain from here on, so this account rests.
          this.#sent -= 1;
          this.#refused += 1;
          this.#lastRefusal = String(error);
        },
      );
      ways.push(way);
    }
    await Promise.all(ways);
  }
}
