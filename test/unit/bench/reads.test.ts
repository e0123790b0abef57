import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { AnswerReader } from '../../../bench/load/answerReader.js';
import { runReads } from '../../../bench/load/reads.js';
import { dueBy, dueMs } from '../../../bench/load/schedule.js';
import { within } from '../../../bench/row.js';

const answer = (status: number, body: string): string =>
  `HTTP/1.1 ${status} OK\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

describe('answers of a kept-alive connection', () => {
  const stream = Buffer.from(answer(200, '{"ε":1}') + answer(503, '') + answer(200, '\r\n\r\n{}'));
  const expected = [
    { status: 200, body: '{"ε":1}' },
    { status: 503, body: '' },
    { status: 200, body: '\r\n\r\n{}' },
  ];

  it.each([1, 2, 7, 64, stream.length])('are the same in pieces of %d bytes', (size) => {
    const reader = new AnswerReader();
    const answers = [];
    for (let at = 0; at < stream.length; at += size)
      answers.push(...reader.push(stream.subarray(at, at + size)));
    expect(answers).toEqual(expected);
  });

  it('are refused without a length, or of a length that no node sends', () => {
    const push = (text: string) => () => new AnswerReader().push(Buffer.from(text));
    expect(push('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')).toThrow('content-length');
    expect(push('HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n')).toThrow('99999999');
    expect(push('x'.repeat(5_000_000))).toThrow('without an end');
  });
});

describe('a schedule', () => {
  const schedule = { rate: 500, count: 1_000 };

  it('has as many due at a moment as are scheduled up to it', () => {
    expect([-1, 0, 1.99, 2, 1_000, 1_998, 60_000].map((now) => dueBy(schedule, now))).toEqual([
      0, 1, 1, 2, 501, 1_000, 1_000,
    ]);
    for (let nth = 0; nth < schedule.count; nth += 1)
      expect(dueBy(schedule, dueMs(schedule, nth) + 1e-6)).toBe(nth + 1);
  });
});

describe('an open loop', () => {
  let server: Server | null = null;
  afterEach(() => server?.close());

  /** Answers one request at a time; the first is held back. */
  async function serve(heldMs: number, body: string): Promise<string> {
    let first = true;
    server = createServer((_, response) => {
      const end = () => {
        response.setHeader('content-length', Buffer.byteLength(body));
        response.end(body);
      };
      if (first) setTimeout(end, heldMs);
      else end();
      first = false;
    });
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  const job = { requests: ['{}'], connections: 1, warmUpSeconds: 0, seconds: 0.5, rate: 100 };

  it('counts the wait of what was due while the node stood still', async () => {
    const url = await serve(400, '{"jsonrpc":"2.0","id":1,"result":1}');
    const { reads, refused, latenciesMs } = await runReads({ ...job, url });
    expect([reads, refused]).toEqual([50, 0]);
    // Due at 0, 10, ... 290 ms and answered after 400 ms at the earliest.
    for (let nth = 0; nth < 30; nth += 1) expect(latenciesMs[nth]!).toBeGreaterThanOrEqual(399 - 10 * nth);
  });

  it('counts errors as no reads, and tells one', async () => {
    const url = await serve(0, '{"jsonrpc":"2.0","id":1,"error":{"code":-1}}');
    const { reads, refused, lastRefusal } = await runReads({ ...job, url });
    expect([reads, refused]).toEqual([0, 50]);
    expect(lastRefusal).toContain('"code":-1');
  });
});

describe('a goal', () => {
  it('is not met by what is no number, nor where a condition failed', () => {
    expect(within('x', 4, 's', '<', 5).met).toBe(true);
    expect(within('x', 5, 's', '<', 5).met).toBe(false);
    expect(within('x', 5, 's', '>=', 5).met).toBe(true);
    expect(within('x', 5, 's', '>=', 5, { alsoNeeds: false }).met).toBe(false);
    expect(within('x', Number.NaN, '%', '<', 3).met).toBe(false);
  });
});
