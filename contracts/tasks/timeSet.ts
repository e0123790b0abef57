import { strict as assert } from 'node:assert';
import { bytes, cell, type StateAccess, type StateReader } from '../../chain/index.js';

/** A set of times (whole numbers from 0) in the state. */
export interface TimeSet {
  add(state: StateAccess, time: number): void;
  /** Of one that is there. */
  remove(state: StateAccess, time: number): void;
  earliest(state: StateReader): number | null;
}

const BRANCHES = 256;
/** 256⁷ is above every whole number that a state can hold. */
const LEVELS = 7;

/**
 * A tree of bitmaps over the digits of a time, of which the state has the nodes that are not empty: by level and the
 * digits above it. A bit says that the node below it has something; at level 0, that the time is there.
 *
 * Cost: at most seven reads and writes of 32 bytes, whatever is in it; one of each where a neighbour is there already.
 */
export function timeSet(name: string): TimeSet {
  const nodes = cell(name, bytes(BRANCHES / 8));
  return {
    add: (state, time) => {
      for (const { level, prefix, digit } of way(time)) {
        const before = nodes.get(state, level, prefix);
        nodes.set(state, flipped(before ?? new Uint8Array(BRANCHES / 8), digit), level, prefix);
        if (before !== null) return;
      }
    },
    remove: (state, time) => {
      for (const { level, prefix, digit } of way(time)) {
        const node = nodes.get(state, level, prefix);
        assert.ok(node !== null, 'a time that is in the set');
        const left = flipped(node, digit);
        if (lowest(left) !== null) return nodes.set(state, left, level, prefix);
        nodes.remove(state, level, prefix);
      }
    },
    earliest: (state) => {
      let prefix = 0;
      for (let level = LEVELS - 1; level >= 0; level -= 1) {
        const node = nodes.get(state, level, prefix);
        if (node === null) return null;
        prefix = prefix * BRANCHES + lowest(node)!;
      }
      return prefix;
    },
  };
}

/** The nodes above a time, from the lowest up. Divisors are powers of two, so quotients are exact. */
function way(time: number): readonly { level: number; prefix: number; digit: number }[] {
  return Array.from({ length: LEVELS }, (_, level) => {
    const upTo = Math.floor(time / BRANCHES ** level);
    return { level, prefix: Math.floor(upTo / BRANCHES), digit: upTo % BRANCHES };
  });
}

function flipped(node: Uint8Array, digit: number): Uint8Array {
  const next = node.slice();
  next[digit >> 3]! ^= 1 << (digit & 7);
  return next;
}

/** The place of the lowest bit that is set; null: none is. */
function lowest(node: Uint8Array): number | null {
  const at = node.findIndex((byte) => byte !== 0);
  return at < 0 ? null : 8 * at + 31 - Math.clz32(node[at]! & -node[at]!);
}
