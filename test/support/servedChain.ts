import { bytesToHex } from '../../crypto/index.js';
import { createPayloadExchange, type Transport } from '../../net/index.js';
import {
  encodeRange,
  RANGE_PROTOCOL,
  type RawEntry,
  REQUEST_BYTES_MAX,
  readRangeRequest,
} from '../../node/driver/range.js';
import type { TestChain } from './chain.js';

/** The blocks of a chain as they travel. */
export function entriesOf(test: TestChain, from: number, to: number): readonly RawEntry[] {
  return test.entries.slice(from - 1, to).map(({ block, certificate }) => ({ block, certificate }));
}

/**
 * Serves a chain and its payloads, ten blocks a time, as an honest node would, or what `answer` makes of it. Gives
 * where the ranges began that were asked for.
 */
export function serveChain(
  test: TestChain,
  transport: Transport,
  answer: (from: number) => Promise<Uint8Array> | Uint8Array = (from) =>
    encodeRange(entriesOf(test, from, from + 9)),
): readonly number[] {
  const asked: number[] = [];
  const handler = async (request: Uint8Array): Promise<Uint8Array> => {
    const { from } = readRangeRequest(request)!;
    asked.push(from);
    return answer(from);
  };
  transport.serve(RANGE_PROTOCOL, handler, { requestBytesMax: REQUEST_BYTES_MAX, concurrentMax: 4 });
  const held = new Map(test.payloads);
  createPayloadExchange({
    transport,
    store: {
      has: (id) => held.has(bytesToHex(id)),
      get: (id) => held.get(bytesToHex(id)) ?? null,
      put: async () => {},
    },
  });
  return asked;
}
