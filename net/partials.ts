import { bytesToHex } from '../crypto/index.js';

/**
 * The chunk responses of one payload that is not whole yet, each in a slot of its own. Nobody trusts what is read:
 * a response carries its proof, and is proved again.
 */
export interface PartialPayload {
  /** Something may have been written before. */
  readonly begun: boolean;
  /** The slot's bytes: a response and padding, or anything at all where none was written. */
  read(index: number): Promise<Uint8Array>;
  /**
   * Reads all slots at once, one part each in their order: `into` gets what lies behind the first `skip` bytes. What
   * of it was never written stays as it is, or becomes anything at all.
   */
  gather(parts: readonly SlotPart[]): Promise<void>;
  /** `response` is at most as long as a slot. */
  write(index: number, response: Uint8Array): Promise<void>;
  /** Nobody reads or writes it for now; what was written stays for whoever opens it next, within bounds. */
  close(): Promise<void>;
  /** Closes it and forgets what was written. */
  remove(): Promise<void>;
}

export interface SlotPart {
  readonly skip: number;
  readonly into: Uint8Array;
}

/** Where the chunks of unfinished payloads lie. A payload is open once at a time, or by one that ends as well. */
export interface PartialPayloads {
  open(id: Uint8Array, size: number): Promise<PartialPayload>;
}

type Slots = Map<number, Uint8Array>;

/** Payloads whose chunks are kept in memory after they were closed. */
const CLOSED_MAX = 16;

/** Unfinished payloads in memory: for tests, and for nodes without a disk. */
export function memoryPartials(): PartialPayloads {
  const closed = new Map<string, Slots>();
  return {
    open: async (id, size) => {
      const name = `${bytesToHex(id)}-${size}`;
      const kept = closed.get(name);
      closed.delete(name);
      return partialIn(kept ?? new Map(), kept !== undefined, (slots) => {
        closed.set(name, slots);
        for (const [oldest] of closed) if (closed.size > CLOSED_MAX) closed.delete(oldest);
      });
    },
  };
}

/** One unfinished payload in memory; `keep` gets its slots when it is closed. */
export function partialIn(slots: Slots, begun: boolean, keep: (slots: Slots) => void): PartialPayload {
  return {
    begun,
    read: async (index) => slots.get(index) ?? new Uint8Array(0),
    gather: async (parts) => {
      for (const [index, { skip, into }] of parts.entries()) {
        into.set(slots.get(index)?.subarray(skip, skip + into.length) ?? []);
      }
    },
    write: async (index, response) => void slots.set(index, response),
    close: async () => keep(slots),
    remove: async () => {},
  };
}
