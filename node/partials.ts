import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PAYLOAD_CHUNK_BYTES } from '../chain/index.js';
import { bytesToHex, hexToBytes } from '../crypto/index.js';
import { chunkSlotBytes, type PartialPayload, type PartialPayloads, partialIn } from '../net/index.js';
import { StoreError } from './store/index.js';

/** What all unfinished payloads may take on disk together; those longest untouched go first. */
const PARTIAL_BYTES_MAX = 512 * 1024 * 1024;

/** Of 3 buffers each: Linux takes 1,024 buffers a read. */
const SLOTS_A_READ = 256;

const READ_WRITE = constants.O_RDWR | constants.O_CREAT;
const NAME = /^([0-9a-f]{64})-(\d{1,10})$/;

interface Kept {
  readonly size: number;
  /** How many have it open. */
  readonly users: number;
}

/**
 * Unfinished payloads as files of a folder, one each, with a slot for each chunk's response: so a restart goes on
 * where it was. Nothing is synced, and no file says what is in it: whoever reads proves every chunk again, and takes
 * a torn or lost write for a chunk that never came. A payload of one chunk is there or not: it stays in memory.
 *
 * On opening, leftovers of payloads that are held meanwhile are removed.
 * Throws StoreError 'write-failed', on opening and on writing. Limits: 512 MiB in all; what is being pulled
 *   (`inFlightBytesMax` of net) is never removed, and is less.
 */
export async function openPartials(
  folder: string,
  isHeld: (id: Uint8Array) => boolean,
  bytesMax = PARTIAL_BYTES_MAX,
): Promise<PartialPayloads> {
  /** In order of last use. */
  const kept = await leftovers(folder, isHeld);

  async function makeRoom(): Promise<void> {
    let bytes = [...kept.values()].reduce((sum, { size }) => sum + size, 0);
    for (const [name, { size, users }] of kept) {
      if (bytes <= bytesMax) return;
      if (users > 0) continue;
      kept.delete(name);
      bytes -= size;
      await onDisk(folder, rm(join(folder, name), { force: true }));
    }
  }

  /** One more has it open, or one less; a removed one is nobody's any more. */
  function use(name: string, size: number, by: 1 | -1): void {
    const known = kept.get(name);
    if (by < 0 && known === undefined) return;
    kept.delete(name);
    kept.set(name, { size, users: (known?.users ?? 0) + by });
  }

  return {
    open: async (id, size) => {
      if (size <= PAYLOAD_CHUNK_BYTES) return partialIn(new Map(), false, () => {});
      const name = `${bytesToHex(id)}-${size}`;
      const begun = kept.has(name);
      use(name, size, 1);
      try {
        await makeRoom();
        const file = await onDisk(folder, open(join(folder, name), READ_WRITE, 0o600));
        return partialFile(file, chunkSlotBytes(size), begun, {
          close: () => use(name, size, -1),
          remove: async () => {
            kept.delete(name);
            await rm(join(folder, name), { force: true });
          },
        });
      } catch (error) {
        use(name, size, -1);
        throw error;
      }
    },
  };
}

function partialFile(
  file: FileHandle,
  slotBytes: number,
  begun: boolean,
  owner: { readonly close: () => void; readonly remove: () => Promise<void> },
): PartialPayload {
  return {
    begun,
    read: async (index) => {
      const slot = new Uint8Array(slotBytes);
      const { bytesRead } = await file.read(slot, 0, slotBytes, index * slotBytes);
      return slot.subarray(0, bytesRead);
    },
    gather: async (parts) => {
      // One read for many slots: proofs and padding go into bytes that nobody looks at.
      for (let at = 0; at < parts.length; at += SLOTS_A_READ) {
        const slots = parts.slice(at, at + SLOTS_A_READ).flatMap(({ skip, into }) => {
          const rest = slotBytes - skip - into.length;
          return [new Uint8Array(skip), into, new Uint8Array(rest)];
        });
        await file.readv(slots, at * slotBytes);
      }
    },
    write: async (index, response) => {
      await onDisk(
        'the folder of unfinished payloads',
        file.write(response, 0, response.length, index * slotBytes),
      );
    },
    close: async () => {
      await file.close();
      owner.close();
    },
    remove: async () => {
      await file.close();
      await owner.remove();
    },
  };
}

/** What an earlier process has left, oldest first. */
async function leftovers(folder: string, isHeld: (id: Uint8Array) => boolean): Promise<Map<string, Kept>> {
  const made = mkdir(folder, { recursive: true, mode: 0o700 });
  const names = await onDisk(
    folder,
    made.then(() => readdir(folder)),
  );
  const found: { readonly name: string; readonly size: number; readonly touchedMs: number }[] = [];
  for (const name of names) {
    const [, id, size] = NAME.exec(name) ?? [];
    if (id === undefined) continue;
    const file = join(folder, name);
    if (isHeld(hexToBytes(id))) await onDisk(folder, rm(file, { force: true }));
    else found.push({ name, size: Number(size), touchedMs: (await onDisk(folder, stat(file))).mtimeMs });
  }
  found.sort((a, b) => a.touchedMs - b.touchedMs);
  return new Map(found.map(({ name, size }) => [name, { size, users: 0 }]));
}

async function onDisk<T>(where: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const message = `cannot use ${where}: ${(cause as Error).message}; free some space or check the permissions`;
    throw new StoreError('write-failed', message, { cause });
  }
}
