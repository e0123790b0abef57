import {
  cutChunk,
  decode,
  encode,
  stateChunkCodec,
  treeEntries,
  verifyChunk,
  wholeState,
} from '../../chain/index.js';
import { FrameReader } from '../../net/frame.js';
import {
  encodeChunkRequest,
  encodeOffer,
  encodeStartRequest,
  encodeSteps,
  encodeStepsRequest,
  readChunkRequest,
  readOffer,
  readStartRequest,
  readSteps,
  readStepsRequest,
} from '../../node/snapshot/messages.js';
import type { Corpus } from './corpus.js';
import type { Target } from './run.js';
import { again, MESSAGE_MAX, take, word } from './taking.js';

/** What a node that joins by a snapshot asks and is answered, and the frames that requests come in. */
export function joiningTargets({ test, steps }: Corpus): readonly Target[] {
  const { state } = test.tip;
  const { stateRoot } = test.blocks.at(-1)!.block.header;
  const range = wholeState(stateRoot);
  const entries = new Map(treeEntries(state));
  const chunks = [512 * 1024, 2_000, 100].map((bytesMax) =>
    encode(stateChunkCodec, cutChunk(state, range, bytesMax)!),
  );
  const message = <T>(
    name: string,
    read: (raw: Uint8Array) => T | null,
    write: (value: T) => Uint8Array,
    values: readonly T[],
  ): Target => ({
    name,
    weight: 2,
    corpus: values.map(write),
    take: take(read, (value) => write(structuredClone(value))),
  });
  return [
    message('snapshot offer', readOffer, encodeOffer, [[], [8], [8, 16, 24, 32]]),
    message('snapshot chunk request', readChunkRequest, encodeChunkRequest, [
      { height: 8, path: new Uint8Array(32), depth: 0 },
      { height: 8, path: new Uint8Array(32).fill(0x80, 0, 1), depth: 3 },
    ]),
    message('start request', readStartRequest, encodeStartRequest, [8]),
    message('steps request', readStepsRequest, encodeStepsRequest, [{ from: 1, to: 9 }]),
    message('steps', readSteps, encodeSteps, [[], steps.slice(0, 3)]),
    {
      name: 'state chunk',
      weight: 4,
      corpus: chunks,
      take: take(
        (raw) => decode(stateChunkCodec, raw, MESSAGE_MAX),
        (chunk) => {
          verifyChunk(range, chunk);
          return again(stateChunkCodec)(chunk);
        },
      ),
    },
    // The whole check: nothing but chunks of this very state.
    {
      name: 'checked state chunk',
      weight: 2,
      corpus: chunks,
      take: take(
        (raw) => {
          const chunk = decode(stateChunkCodec, raw, MESSAGE_MAX);
          const checked = verifyChunk(range, chunk);
          return checked.ok ? { chunk, checked } : null;
        },
        ({ chunk, checked }) => {
          for (const { key, value } of chunk.entries) {
            if (Buffer.compare(entries.get(key) ?? new Uint8Array(0), value) !== 0)
              throw new Error(`another value of ${key} is taken`);
          }
          return word(checked);
        },
      ),
    },
    frameTarget(),
  ];
}

const FRAME_BYTES_MAX = 4_096;

/** Whatever the pieces are in which it comes. A body that is not welcome is refused before room is made for it. */
function frameTarget(): Target {
  class Unwelcome extends Error {}
  const frame = (kind: number, body: readonly number[]) =>
    Uint8Array.of(kind, 0, 0, 0, 7, 0, 0, 0, body.length, ...body);
  const read = (pieces: readonly Uint8Array[]): Uint8Array => {
    const read: number[] = [];
    const reader = new FrameReader({
      onHead: ({ bodyBytes }) => {
        if (bodyBytes > FRAME_BYTES_MAX) throw new Unwelcome();
      },
      onFrame: ({ kind, number, body }) => {
        const head = Buffer.alloc(9);
        head[0] = kind;
        head.writeUInt32BE(number, 1);
        head.writeUInt32BE(body.length, 5);
        read.push(...head, ...body);
      },
    });
    reader.push(pieces);
    return Uint8Array.from(read);
  };
  return {
    name: 'stream frames',
    weight: 2,
    corpus: [frame(0, [1, 2, 3]), frame(1, []), Uint8Array.from([...frame(2, [9]), ...frame(0, [])])],
    take: take(
      (raw) => {
        const whole = read([raw]);
        const split = read(Array.from(raw, (byte) => Uint8Array.of(byte)));
        if (Buffer.compare(whole, split) !== 0) throw new Error('pieces change what is read');
        // What is behind the last frame is the beginning of another one.
        return raw.subarray(0, whole.length).every((byte, i) => byte === whole[i]) ? raw : null;
      },
      () => 'accepted',
      [Unwelcome],
    ),
  };
}
