import { measureOf, recallMeasure, type UpdateMeasure } from '../contracts/index.js';
import { bytesToHex } from '../crypto/index.js';
import type { Store } from './store/index.js';

/** Updates whose measure is remembered: more than wait for a block and stand in it. */
const MEASURES_MAX = 8_192;

/** What this node knows of updates that it has checked, so that judging a block does not check them again. */
export interface Measured {
  /** Remembers what was measured of a payload; `bytes` are those of `id`. */
  note(id: Uint8Array, bytes: Uint8Array): void;
  /** The store's payload, with what was noted of it: the store vouches that its bytes are those of the id. */
  payload(id: Uint8Array): Uint8Array | null;
}

/** Memory: some hundred bytes an update, at most 8,192; those noted longest ago go first. */
export function createMeasured(store: Pick<Store, 'payload'>): Measured {
  const measures = new Map<string, UpdateMeasure>();
  return {
    note: (id, bytes) => {
      const measure = measureOf(bytes);
      if (measure === null) return;
      measures.set(bytesToHex(id), measure);
      if (measures.size > MEASURES_MAX)
        for (const oldest of measures.keys()) return void measures.delete(oldest);
    },
    payload: (id) => {
      const bytes = store.payload(id);
      const measure = measures.get(bytesToHex(id));
      if (bytes !== null && measure !== undefined) recallMeasure(bytes, measure);
      return bytes;
    },
  };
}
