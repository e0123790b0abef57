import { strict as assert } from 'node:assert';
import type { StateTree } from './stateTree.js';

/**
 * Heights whose states are kept, at least while blocks are ordinary: minutes at full speed, over an hour when only
 * the heartbeat makes blocks. Who checks a value against a header asks seconds after it has the header, and a
 * proof at a height stays valid for ever. Agreement, sync and evidence read the head's state alone.
 */
export const VERSIONS_MAX = 256;

/**
 * Entries that the kept versions may have written together: what bounds their memory. A write keeps its leaf and the
 * nodes above it that no other version shares, measured at 1.2 KiB (`npm run bench -- state-tree`).
 * All 256 heights at up to 256 writes a block; 64 full blocks of 1,024, which is some 20 seconds of full load.
 */
export const VERSION_WRITES_MAX = 65_536;

/** A state and the height after whose block it was that. */
export interface StateVersion {
  readonly height: number;
  readonly tree: StateTree;
  /** Entries that its block wrote; what makes it differ from the one before. */
  readonly writes: number;
}

/**
 * The newest states of a chain, one a height without gaps, the head's always among them.
 *
 * Versions share what they have in common, so to keep one is to keep what its block wrote, and to let one go is to
 * drop a reference: the collector takes its nodes in its own time. Cost: a constant for each operation.
 */
export class StateVersions {
  /** By height, oldest first. */
  readonly #versions = new Map<number, StateVersion>();
  #first: number;
  #last: number;
  #writes = 0;

  constructor(head: { readonly height: number; readonly tree: StateTree }) {
    this.#first = head.height;
    this.#last = head.height;
    // Of the first one nothing is known to be shared with an older one that is kept: there is none.
    this.#versions.set(head.height, { ...head, writes: 0 });
  }

  /** Heights at hand: from `first` to `last`, the head. */
  get held(): { readonly first: number; readonly last: number } {
    return { first: this.#first, last: this.#last };
  }

  get head(): StateTree {
    return this.#versions.get(this.#last)!.tree;
  }

  /** The state after the block of this height; undefined if it is not held (null is the empty state). */
  at(height: number): StateTree | undefined {
    return this.#versions.get(height)?.tree;
  }

  /** Takes the state of the next height, and lets the oldest go that are too many. */
  add(version: StateVersion): void {
    assert.equal(version.height, this.#last + 1, 'the height after the head');
    this.#versions.set(version.height, version);
    this.#last = version.height;
    this.#writes += version.writes;
    while (
      this.#versions.size > VERSIONS_MAX ||
      (this.#writes > VERSION_WRITES_MAX && this.#first < this.#last)
    ) {
      this.#versions.delete(this.#first);
      this.#first += 1;
      // The oldest shares with none before it: what it wrote belongs to all the later ones too.
      this.#writes -= this.#versions.get(this.#first)!.writes;
    }
  }
}
