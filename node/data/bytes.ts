import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { DataError } from './error.js';

const CHUNK_BYTES = 256 * 1024;

/** A file as a stream of bytes; one whose name ends in .gz is unpacked on the way. Read errors come out of it. */
export function openBytes(file: string): Readable {
  const raw = createReadStream(file, { highWaterMark: CHUNK_BYTES });
  if (!file.endsWith('.gz')) return raw;
  const unpacked = createGunzip({ chunkSize: CHUNK_BYTES });
  pipeline(raw, unpacked, () => {}); // an error destroys the last stream with it, where it is read
  return unpacked;
}

/** A read error as what it means for a user; anything else is thrown as it is. */
export function unreadable(file: string, error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (typeof code !== 'string' || error instanceof DataError) return error;
  const detail = code === 'ENOENT' ? 'there is no such file' : message;
  return new DataError('unreadable', file, detail, [], { cause: error });
}

/** SHA-256 of a prefix and the files' bytes as they are on disk, one after another. */
export async function hashFiles(
  prefix: readonly Uint8Array[],
  files: readonly string[],
): Promise<Uint8Array> {
  const hash = createHash('sha256');
  for (const part of prefix) hash.update(part);
  for (const file of files) {
    try {
      for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
    } catch (error) {
      throw unreadable(file, error);
    }
  }
  return Uint8Array.from(hash.digest());
}

/** Takes bytes of a stream in pieces of given sizes. */
export interface ByteReader {
  /** The next `count` bytes; fewer only where the file ends. */
  take(count: number): Promise<Uint8Array>;
  /** Stops reading. */
  close(): void;
}

export function createByteReader(file: string): ByteReader {
  const stream = openBytes(file);
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  let left = new Uint8Array(0);
  return {
    take: async (count) => {
      const taken = new Uint8Array(count);
      let filled = 0;
      while (filled < count) {
        if (left.length === 0) {
          const next = await chunks.next().catch((error: unknown) => {
            throw unreadable(file, error);
          });
          if (next.done === true) break;
          left = new Uint8Array(next.value);
        }
        const part = left.subarray(0, count - filled);
        taken.set(part, filled);
        filled += part.length;
        left = left.subarray(part.length);
      }
      return taken.subarray(0, filled);
    },
    close: () => void stream.destroy(),
  };
}
