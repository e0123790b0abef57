import { ed25519 } from '@noble/curves/ed25519.js';
import { createMemory, instantiate, PAGE_BYTES } from '../../wasm/index.js';
import { bitsOf, limbs, QUAD_BYTES, VECTOR_BYTES } from './field.js';
import { functions, places } from './points.js';

/** Windows of so many bits, and how many cover a scalar below 2^253. */
interface Windows {
  readonly bits: number;
  readonly count: number;
}

const ofBase: Windows = { bits: 8, count: 32 };
/** 215 KiB and a millisecond. Wider ones save a tenth of a check, and drive each other out of the cache. */
const ofKeys: Windows = { bits: 6, count: 43 };
const SCALAR_BYTES = 32;

const entriesOf = ({ bits }: Windows): number => 2 ** (bits - 1);
const bytesOf = (windows: Windows): number => windows.count * entriesOf(windows) * QUAD_BYTES;

const { Point } = ed25519;
const p = Point.Fp.ORDER;

/**
 * Room for tables of the multiples of keys, with which a signature is checked in half the time: sB − hA becomes 75
 * additions, where 250 doublings are most of the work otherwise.
 *
 * Not constant time: what it is given is public.
 *
 * Source: E. F. Brickell, D. M. Gordon, K. S. McCurley, D. B. Wilson 1992, "Fast Exponentiation with Precomputation",
 * with signed digits.
 */
export interface KeyTables {
  /** Puts the table of a key (canonical, not of small order) into a place, 0 or the next ones. Cost: about 1 ms. */
  make(place: number, publicKey: Uint8Array): void;
  /** The 32 bytes of s·B − h·A, A being the key of that place; s and h: 32 bytes, little-endian, below q. */
  difference(place: number, s: Uint8Array, h: Uint8Array): Uint8Array;
}

/** Throws where there is no WebAssembly with vectors. */
export function createKeyTables(): KeyTables {
  const keysFrom = places.tables + bytesOf(ofBase);
  const memory = createMemory(Math.ceil(keysFrom / PAGE_BYTES));
  const { table, combine, invert, canonical } = instantiate(functions, memory);
  let words = new Uint32Array(memory.buffer);
  let bytes = new Uint8Array(memory.buffer);

  function setPoint(x: bigint, y: bigint): void {
    writeQuad(words, places.point, [x, y, (x * y) % p, 1n]);
  }
  const placeOf = (place: number): number => keysFrom + place * bytesOf(ofKeys);
  function makeTable(at: number, windows: Windows, x: bigint, y: bigint): void {
    setPoint(x, y);
    table(at, windows.count, entriesOf(windows));
  }
  function addMultiple(at: number, windows: Windows, scalar: Uint8Array): void {
    bytes.set(scalar, places.scalar);
    combine(at, places.scalar, windows.count, windows.bits);
  }

  writeQuad(words, places.factors, [1n, 1n, (2n * Point.CURVE().d) % p, 2n]);
  setPoint(0n, 1n);
  const identity = words.slice(places.point / 4, (places.point + QUAD_BYTES) / 4);
  const base = Point.BASE.toAffine();
  makeTable(places.tables, ofBase, base.x, base.y);

  return {
    make: (place, publicKey) => {
      const missing = placeOf(place + 1) - memory.buffer.byteLength;
      if (missing > 0) {
        memory.grow(Math.ceil(missing / PAGE_BYTES));
        words = new Uint32Array(memory.buffer);
        bytes = new Uint8Array(memory.buffer);
      }
      const { x, y } = Point.fromBytes(publicKey, false).toAffine();
      makeTable(placeOf(place), ofKeys, p - x, y);
    },
    difference: (place, s, h) => {
      words.set(identity, places.point / 4);
      addMultiple(places.tables, ofBase, s);
      addMultiple(placeOf(place), ofKeys, h);
      const { x, y, encoded } = places;
      invert();
      canonical(encoded, x);
      const sign = (bytes[encoded]! & 1) << 7;
      canonical(encoded, y);
      const result = bytes.slice(encoded, encoded + SCALAR_BYTES);
      result[SCALAR_BYTES - 1]! |= sign;
      return result;
    },
  };
}

/** Four numbers side by side, limb for limb. */
function writeQuad(words: Uint32Array, at: number, values: readonly bigint[]): void {
  values.forEach((value, lane) => {
    let rest = value;
    for (const k of limbs) {
      words[(at + VECTOR_BYTES * k) / 4 + lane] = Number(BigInt.asUintN(bitsOf(k), rest));
      rest >>= BigInt(bitsOf(k));
    }
  });
}
