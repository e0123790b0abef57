import { type Codec, decode, encode } from './codec.js';
import { limits } from './limits.js';
import { type StateTree, treeGet } from './stateTree.js';

export { applyChanges } from './stateTree.js';

/** What contracts read. Keys are text: room, cell and ids, joined by '/'. */
export interface StateReader {
  get(key: string): Uint8Array | null;
}

export interface StateAccess extends StateReader {
  set(key: string, value: Uint8Array): void;
  remove(key: string): void;
}

/** Writes on top of a state that take effect together, or not at all. */
export interface StateDraft extends StateAccess {
  /** What was written: null for a removed key. */
  readonly changes: ReadonlyMap<string, Uint8Array | null>;
}

export function readState(tree: StateTree): StateReader {
  return { get: (key) => treeGet(tree, key) };
}

export function createDraft(below: StateReader): StateDraft {
  const changes = new Map<string, Uint8Array | null>();
  return {
    changes,
    get: (key) => {
      const written = changes.get(key);
      return written === undefined ? below.get(key) : written;
    },
    set: (key, value) => {
      changes.set(key, value);
    },
    remove: (key) => {
      changes.set(key, null);
    },
  };
}

/** Carries a draft's writes into the one below it. */
export function mergeDraft(draft: StateDraft, into: StateAccess): void {
  for (const [key, value] of draft.changes) {
    if (value === null) into.remove(key);
    else into.set(key, value);
  }
}

/** A typed place in the state. `ids` tell one entry from another; any text will do. */
export interface Cell<T> {
  key(...ids: readonly (string | number)[]): string;
  get(state: StateReader, ...ids: readonly (string | number)[]): T | null;
  set(state: StateAccess, value: T, ...ids: readonly (string | number)[]): void;
  remove(state: StateAccess, ...ids: readonly (string | number)[]): void;
}

/** Declares a cell. One folder owns a name, and alone writes it. */
export function cell<T>(name: string, codec: Codec<T>): Cell<T> {
  const key = (...ids: readonly (string | number)[]): string => {
    let whole = name;
    for (const id of ids) whole += `/${escapeId(id)}`;
    return whole;
  };
  // Values are never changed once written, so what was decoded from the same bytes is decoded once.
  const decoded = new WeakMap<Uint8Array, T>();
  return {
    key,
    get: (state, ...ids) => {
      const raw = state.get(key(...ids));
      if (raw === null) return null;
      let value = decoded.get(raw);
      if (value === undefined) {
        value = decode(codec, raw, limits.stateValueBytesMax);
        decoded.set(raw, value);
      }
      return value;
    },
    set: (state, value, ...ids) => state.set(key(...ids), encode(codec, value)),
    remove: (state, ...ids) => state.remove(key(...ids)),
  };
}

/** Ids may come from a sender: with '/' as it is, one could name the entry of another cell. */
function escapeId(id: string | number): string {
  const text = String(id);
  if (!/[%/]/.test(text)) return text;
  return text.replace(/[%/]/g, (character) => (character === '%' ? '%25' : '%2F'));
}
