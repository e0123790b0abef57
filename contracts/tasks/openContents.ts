import type { StateAccess, StateReader } from '../../chain/index.js';
import type { ContentTask } from './gateState.js';

/** What there is to know of a content task that is open. */
export type OpenContent = Pick<ContentTask, 'id' | 'publisher' | 'endsAt'>;

/**
 * How the state keeps which content tasks are open: a form for each that a version of the protocol has had. A task that
 * has ended is in none.
 */
export interface OpenContents {
  /** Open at once, of all publishers. */
  readonly max: number;
  count(state: StateReader, publisher: Uint8Array): { readonly all: number; readonly own: number };
  add(state: StateAccess, task: OpenContent): void;
  remove(state: StateAccess, task: OpenContent): void;
  /** Takes out those whose time is over at `time`, as many as a block may end, and gives their ids. */
  takeOver(state: StateAccess, time: number): readonly number[];
  /** The time at which the next one ends by itself, in ms; null: none is open in this form. */
  nextEnd(state: StateReader): number | null;
  /** Start of a block: takes over what the form before it has kept. */
  adopt?(state: StateAccess): void;
}
