import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { AnswerReader, type HttpAnswer } from './answerReader.js';
import type { ReadJob, ReadReport } from './readMessage.js';
import { dueBy, dueMs, type Schedule } from './schedule.js';

const CONNECT_MS = 10_000;
/** After the last was sent: how long its answer may take. */
const DRAIN_MS = 20_000;
const TICK_MS = 1;

/** Reads one node over kept-alive connections. Throws if a connection ends. */
export async function runReads(job: ReadJob): Promise<ReadReport> {
  const tally = new Tally(job);
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {}); // heard of below, if it comes in time
  const lines = await Promise.all(
    Array.from({ length: job.connections }, () => Line.open(new URL(job.url), fail)),
  );
  try {
    tally.begin();
    const run = job.rate === null ? saturate(job, lines, tally) : follow(job, job.rate, lines, tally);
    await Promise.race([run, failed]);
    return tally.report();
  } finally {
    for (const line of lines) line.close();
  }
}

/** Closed loop: every connection has one request on its way, always. */
function saturate(job: ReadJob, lines: readonly Line[], tally: Tally): Promise<void> {
  const requests = encoded(job);
  const endMs = 1_000 * (job.warmUpSeconds + job.seconds);
  return new Promise((resolve) => {
    let next = 0;
    let busy = 0;
    const send = (line: Line): void => {
      const sentMs = tally.now();
      if (sentMs >= endMs) {
        if (busy === 0) resolve();
        return;
      }
      busy += 1;
      line.send(requests[next++ % requests.length]!, (answer) => {
        busy -= 1;
        tally.count(sentMs, answer);
        send(line);
      });
    };
    for (const line of lines) send(line);
  });
}

/** Open loop: what is due and finds no connection free waits, and its wait counts. */
async function follow(job: ReadJob, rate: number, lines: readonly Line[], tally: Tally): Promise<void> {
  const requests = encoded(job);
  const schedule: Schedule = { rate, count: Math.round(rate * (job.warmUpSeconds + job.seconds)) };
  // In turn, so that none is idle for as long as the node bears it.
  const free = [...lines];
  let sent = 0;
  let answered = 0;
  const sendDue = (): void => {
    const due = dueBy(schedule, tally.now());
    while (sent < due && free.length > 0) {
      const line = free.shift()!;
      const scheduledMs = dueMs(schedule, sent);
      line.send(requests[sent++ % requests.length]!, (answer) => {
        answered += 1;
        free.push(line);
        tally.count(scheduledMs, answer);
        sendDue();
      });
    }
  };
  const lastMs = dueMs(schedule, schedule.count) + DRAIN_MS;
  while (answered < schedule.count) {
    if (tally.now() > lastMs)
      throw new Error(`${schedule.count - answered} reads without an answer ${DRAIN_MS} ms after the last`);
    sendDue();
    await delay(TICK_MS);
  }
}

function encoded({ url, requests }: ReadJob): readonly Buffer[] {
  const { host } = new URL(url);
  return requests.map((body) => {
    const length = Buffer.byteLength(body);
    const header = `POST / HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: ${length}`;
    return Buffer.from(`${header}\r\n\r\n${body}`);
  });
}

/** Counts what belongs to the measured time: by the moment it was sent or due. */
class Tally {
  readonly #fromMs: number;
  readonly #latenciesMs: number[] = [];
  #startedAt = 0;
  #refused = 0;
  #lastRefusal: string | null = null;
  #cpuAtFrom: NodeJS.CpuUsage | null = null;
  #lastMs = 0;

  constructor({ warmUpSeconds }: ReadJob) {
    this.#fromMs = 1_000 * warmUpSeconds;
  }

  begin(): void {
    this.#startedAt = performance.now();
  }

  /** Since the beginning, in ms. */
  now(): number {
    return performance.now() - this.#startedAt;
  }

  count(fromMs: number, { status, body }: HttpAnswer): void {
    if (fromMs < this.#fromMs) return;
    this.#cpuAtFrom ??= process.cpuUsage();
    this.#lastMs = this.now();
    if (status === 200 && body.startsWith('{"jsonrpc":"2.0"') && body.includes('"result":')) {
      this.#latenciesMs.push(this.#lastMs - fromMs);
      return;
    }
    this.#refused += 1;
    this.#lastRefusal = `${status}: ${body.slice(0, 200)}`;
  }

  report(): ReadReport {
    const { user, system } = process.cpuUsage(this.#cpuAtFrom ?? process.cpuUsage());
    return {
      reads: this.#latenciesMs.length,
      refused: this.#refused,
      lastRefusal: this.#lastRefusal,
      seconds: (this.#lastMs - this.#fromMs) / 1_000,
      latenciesMs: this.#latenciesMs,
      cpuSeconds: (user + system) / 1e6,
    };
  }
}

/** One kept-alive connection. */
class Line {
  readonly #reader = new AnswerReader();
  #answered: ((answer: HttpAnswer) => void) | null = null;
  #closed = false;

  private constructor(
    private readonly socket: Socket,
    fail: (error: Error) => void,
  ) {
    socket.on('data', (piece: Buffer) => {
      try {
        for (const answer of this.#reader.push(piece)) this.#take(answer);
      } catch (error) {
        fail(error as Error);
      }
    });
    socket.on('error', fail);
    socket.on('close', () => this.#closed || fail(new Error('the node closed a connection')));
  }

  static open({ hostname, port }: URL, fail: (error: Error) => void): Promise<Line> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true });
      const late = setTimeout(() => socket.destroy(new Error('the node takes no connection')), CONNECT_MS);
      socket.once('error', reject);
      socket.once('close', () => clearTimeout(late));
      socket.once('connect', () => {
        clearTimeout(late);
        resolve(new Line(socket, fail));
      });
    });
  }

  send(request: Buffer, answered: (answer: HttpAnswer) => void): void {
    this.#answered = answered;
    this.socket.write(request);
  }

  close(): void {
    this.#closed = true;
    this.socket.destroy();
  }

  #take(answer: HttpAnswer): void {
    const answered = this.#answered;
    if (answered === null) throw new Error('an answer that nobody asked for');
    this.#answered = null;
    answered(answer);
  }
}
