import { concatBytes } from '../../crypto/index.js';
import type { Random } from '../sim/random.js';

/** Bytes that mean something to a decoder: heads of CBOR items, lengths that lie, ends of ranges. */
const TELLING: readonly (readonly number[])[] = [
  [0x00],
  [0xff],
  [0x7f],
  [0x80],
  [0x9f],
  [0xbf],
  [0xf6],
  [0xf7],
  [0xf9, 0x7e, 0x00],
  [0xfb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0],
  [0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x5a, 0x7f, 0xff, 0xff, 0xff],
  [0x9b, 0, 0, 0, 1, 0, 0, 0, 0],
  [0xba, 0xff, 0xff, 0xff, 0xff],
  [0xd8, 0x2a],
  [0xff, 0xff, 0xff, 0xff],
  [0x00, 0x00, 0x00, 0x00],
  [0xef, 0xbb, 0xbf],
  [0xed, 0xa0, 0x80],
];

const NESTED_MAX = 20_000;
/** So that growing by growing has an end. */
const BYTES_MAX = 256 * 1024;

/** Another input: a valid encoding with a few changes, now and then one that is nothing but random. */
export function mutate(corpus: readonly Uint8Array[], random: Random): Uint8Array {
  if (random.chance(30)) return randomBytes(random, random.below(200));
  if (random.chance(5)) return nested(random);
  let raw = random.pick(corpus);
  for (let changes = random.between(0, 4); changes > 0; changes -= 1) raw = change(raw, corpus, random);
  return raw.length > BYTES_MAX ? raw.slice(0, BYTES_MAX) : raw;
}

function change(raw: Uint8Array, corpus: readonly Uint8Array[], random: Random): Uint8Array {
  const at = random.below(raw.length + 1);
  const to = Math.min(raw.length, at + random.below(12));
  const before = raw.subarray(0, at);
  switch (random.below(8)) {
    case 0: {
      const flipped = raw.slice();
      if (raw.length > 0) flipped[at % raw.length]! ^= 1 << random.below(8);
      return flipped;
    }
    case 1:
      return concatBytes(before, Uint8Array.from(random.pick(TELLING)), raw.subarray(to));
    case 2:
      return concatBytes(before, randomBytes(random, random.below(12)), raw.subarray(at));
    case 3:
      return concatBytes(before, raw.subarray(to));
    case 4:
      return concatBytes(raw.subarray(0, to), raw.subarray(at));
    case 5:
      return before.slice();
    case 6: {
      const other = random.pick(corpus);
      return concatBytes(before, other.subarray(random.below(other.length + 1)));
    }
    default: {
      const stepped = raw.slice();
      if (raw.length > 0) stepped[at % raw.length]! += random.pick([1, -1, 16, -16, 128]);
      return stepped;
    }
  }
}

function randomBytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256));
}

/** Lists, maps or JSON brackets inside one another: what exhausts a recursive reader. */
function nested(random: Random): Uint8Array {
  return new Uint8Array(random.below(NESTED_MAX)).fill(random.pick([0x81, 0x9f, 0xa1, 0x5b, 0x7b, 0xc6]));
}
