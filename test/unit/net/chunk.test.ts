import { describe, expect, it } from 'vitest';
import { PAYLOAD_CHUNK_BYTES, payloadId } from '../../../chain/index.js';
import {
  CHUNK_RESPONSE_BYTES_MAX,
  chunkCount,
  chunkOffset,
  chunkResponder,
  decodeChunkRequest,
  encodeChunkRequest,
  partlyResponse,
  readChunkResponse,
} from '../../../net/chunk.js';
import { NetError } from '../../../net/index.js';

const payload = Uint8Array.from(
  { length: 4 * PAYLOAD_CHUNK_BYTES + 100 },
  (_, at) => (at * 7 + (at >> 16)) % 256,
);
const id = payloadId(payload);
const size = payload.length;
const respond = chunkResponder(payload);

describe('chunk messages', () => {
  it('prove every chunk of a payload, within the bound of a response', () => {
    expect(chunkCount(size)).toBe(5);
    for (let index = 0; index < 5; index += 1) {
      const response = respond(index);
      expect(response.length).toBeLessThanOrEqual(CHUNK_RESPONSE_BYTES_MAX);
      const start = index * PAYLOAD_CHUNK_BYTES;
      const chunk = payload.subarray(start, start + PAYLOAD_CHUNK_BYTES);
      const finding = readChunkResponse(response, { id, index, size });
      expect(finding.kind === 'chunk' && Buffer.compare(finding.chunk, chunk) === 0).toBe(true);
    }
  });

  it('hold the chunk where the number of chunks says, in trees of every shape', () => {
    for (let count = 1; count <= 40; count += 1) {
      const bytes = new Uint8Array(count * PAYLOAD_CHUNK_BYTES - 7);
      const responseOf = chunkResponder(bytes);
      for (let index = 0; index < count; index += 1) {
        const chunkBytes = index === count - 1 ? PAYLOAD_CHUNK_BYTES - 7 : PAYLOAD_CHUNK_BYTES;
        expect(chunkOffset(bytes.length, index)).toBe(responseOf(index).length - chunkBytes);
      }
    }
  });

  it('say "not held" for an index past the end', () => {
    expect(respond(5).length).toBe(0);
    expect(readChunkResponse(respond(5), { id, index: 4, size })).toEqual({ kind: 'not-held', has: null });
  });

  it('find another chunk, another payload or another size wrong', () => {
    expect(readChunkResponse(respond(1), { id, index: 2, size }).kind).toBe('wrong');
    expect(readChunkResponse(respond(1), { id: new Uint8Array(32), index: 1, size }).kind).toBe('wrong');
    const longer = size + PAYLOAD_CHUNK_BYTES;
    expect(readChunkResponse(respond(4), { id, index: 4, size: longer }).kind).toBe('wrong');
    expect(readChunkResponse(respond(4), { id, index: 4, size: size - 1 }).kind).toBe('wrong');
  });

  it('say which chunks a peer has, in a bitmap of as many bits as there are chunks', () => {
    const response = partlyResponse(Uint8Array.of(0b10110));
    expect(readChunkResponse(response, { id, index: 0, size })).toEqual({
      kind: 'not-held',
      has: Uint8Array.of(0b10110),
    });
    for (const bitmap of [new Uint8Array(0), new Uint8Array(2)]) {
      expect(readChunkResponse(partlyResponse(bitmap), { id, index: 0, size }).kind).toBe('wrong');
    }
  });

  it('find any cut or padded response wrong', () => {
    const response = respond(4);
    for (const length of [1, 2, 33, 97, response.length - 1]) {
      expect(readChunkResponse(response.subarray(0, length), { id, index: 4, size }).kind).toBe('wrong');
    }
    const padded = new Uint8Array(response.length + 1);
    padded.set(response);
    expect(readChunkResponse(padded, { id, index: 4, size }).kind).toBe('wrong');
  });

  it('round-trip requests and refuse those of another length', () => {
    const request = encodeChunkRequest({ id, size: 0x05060708, index: 0x01020304 });
    expect(decodeChunkRequest(request)).toEqual({ id, size: 0x05060708, index: 0x01020304 });
    for (const odd of [request.subarray(1), new Uint8Array(41)]) {
      expect(() => decodeChunkRequest(odd)).toThrow(NetError);
    }
  });
});
