import { equalBytes } from './bytes.js';
import type { Ed25519 } from './ed25519.js';
import { hasSmallOrder, numberToBytesLE, ORDER } from './edwards.js';
import { createKeyTables, type KeyTables } from './tables/keyTables.js';

/** A table costs as much as about 25 checks without one. */
const USES_BEFORE_TABLE = 32;
/** 27 MiB when all are used. */
const TABLES_MAX = 128;
const POINT_BYTES = 32;

export interface KnownKeysOptions {
  /** SHA-512 of R ‖ A ‖ message modulo q: 32 bytes, little-endian. */
  readonly challengeOf: (r: Uint8Array, publicKey: Uint8Array, message: Uint8Array) => Uint8Array;
  /** Throws where there are no tables to be had: then all is as it was. */
  readonly create?: () => KeyTables;
  readonly tablesMax?: number;
}

/** A key that was asked for. Times are counts of checks. */
interface Key {
  place: number | null;
  /** Without a place: how often it was used, and since when this is counted. */
  uses: number;
  since: number;
  last: number;
}

/**
 * The same checks, quicker under keys that return: each gets a table (crypto/tables/) once it was used 32 times, while
 * there is room; then it takes the place of the one that was used longest ago, unless that was used since the 32 uses
 * began. So keys that come in turn, more than there are places, don't drive each other out.
 *
 * Cost: about half.
 */
export function withKnownKeys(
  plain: Ed25519,
  { challengeOf, create = createKeyTables, tablesMax = TABLES_MAX }: KnownKeysOptions,
): Ed25519 {
  let tables: KeyTables | null = null;
  let isPossible = true;
  const holders: Key[] = [];
  let now = 0;

  function giveTable(key: Key, publicKey: Uint8Array): void {
    const place = placeFor(key);
    key.uses = 0;
    if (place === null) return;
    try {
      tables ??= create();
    } catch {
      // A processor without vectors: nobody gets one.
      isPossible = false;
      return;
    }
    tables.make(place, publicKey);
    const former = holders[place];
    if (former !== undefined) former.place = null;
    holders[place] = key;
    key.place = place;
  }

  function placeFor({ since }: Key): number | null {
    if (holders.length < tablesMax) return holders.length;
    const last = Math.min(...holders.map((holder) => holder.last));
    return last < since ? holders.findIndex((holder) => holder.last === last) : null;
  }

  return {
    signer: plain.signer,
    verifier: (publicKey) => {
      const check = plain.verifier(publicKey);
      const key: Key = { place: null, uses: 0, since: 0, last: 0 };
      return (message, signature) => {
        now += 1;
        key.last = now;
        if (key.place === null && isPossible) {
          if (key.uses === 0) key.since = now;
          key.uses += 1;
          if (key.uses >= USES_BEFORE_TABLE) giveTable(key, publicKey);
        }
        if (key.place === null || tables === null) return check(message, signature);
        const [r, s] = [signature.subarray(0, POINT_BYTES), signature.subarray(POINT_BYTES)];
        if (!isBelowOrder(s)) return false;
        const expected = tables.difference(key.place, s, challengeOf(r, publicKey, message));
        return equalBytes(expected, r) && !hasSmallOrder(r);
      };
    },
  };
}

const ORDER_BYTES = numberToBytesLE(ORDER, 32);

function isBelowOrder(scalar: Uint8Array): boolean {
  for (let at = ORDER_BYTES.length - 1; at >= 0; at -= 1)
    if (scalar[at] !== ORDER_BYTES[at]) return scalar[at]! < ORDER_BYTES[at]!;
  return false;
}
