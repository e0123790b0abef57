import type { RandomBytes } from '../crypto/index.js';

/**
 * Each provider's level is that of the record it is nearest to.
 *
 * points: [providers][dimensions], raw; records: [records][dimensions] with their levels, which may be known to all.
 * Raw in, raw out: the result tells of each provider's own attributes. Ties to the first. Cost: O(providers · records ·
 * dimensions).
 */
export function nearestLevels(
  points: Float64Array,
  records: Float64Array,
  levels: Uint8Array,
  dimensions: number,
): Uint8Array {
  if (levels.length === 0 || records.length !== levels.length * dimensions)
    throw new RangeError(`${records.length} numbers and ${levels.length} levels of records`);
  return Uint8Array.from({ length: points.length / dimensions }, (_, provider) => {
    let [best, least] = [0, Number.POSITIVE_INFINITY];
    for (let record = 0; record < levels.length; record++) {
      let square = 0;
      for (let i = 0; i < dimensions && square < least; i++) {
        const apart = points[provider * dimensions + i]! - records[record * dimensions + i]!;
        square += apart * apart;
      }
      if (square < least) [best, least] = [record, square];
    }
    return levels[best]!;
  });
}

const WORD = 2 ** 32;

/**
 * Randomised response: each level stays with chance e^ε / (e^ε + count − 1), and is else any of the others, each as
 * likely. A provider's own level, and so any of its attributes, is known from the result to ε, with no δ; of other
 * providers the result tells nothing.
 *
 * levels: [providers], 1 .. count. ε in 10⁻⁶. The chance is a whole number of 2⁻³², rounded down, so ε holds of the
 * numbers as they are. Wants a cryptographic source. Source: Warner 1965; Kairouz, Bonawitz, Ramage 2016 (k-ary).
 */
export function randomisedLevels(
  levels: Uint8Array,
  count: number,
  epsilonMicro: number,
  random: RandomBytes,
): Uint8Array {
  if (!(epsilonMicro >= 1 && epsilonMicro <= 64e6)) throw new RangeError(`ε = ${epsilonMicro / 1e6}`);
  if (!levels.every((level) => level >= 1 && level <= count)) throw new RangeError(`a level above ${count}`);
  if (count === 1) return levels.slice();
  const keep = Math.floor(WORD * keepChance(count, epsilonMicro)) - 1;
  const word = (): number => {
    const bytes = random(4);
    return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
  };
  const end = WORD - (WORD % (count - 1));
  return levels.map((level) => {
    if (word() < keep) return level;
    for (;;) {
      const drawn = word();
      if (drawn >= end) continue;
      const other = 1 + (drawn % (count - 1));
      return other < level ? other : other + 1;
    }
  });
}

/** The chance that a level stays, 1 / count to 1. */
export function keepChance(count: number, epsilonMicro: number): number {
  return 1 / (1 + (count - 1) * Math.exp(-epsilonMicro / 1e6));
}
