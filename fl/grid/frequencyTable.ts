import { exp, fraction } from '../privacy/fixedPoint.js';

/** Frequencies of the entropy coder, with 2^15 as the whole. */
export const TABLE_BITS = 15;
const WHOLE = 2 ** TABLE_BITS;

/** How often each symbol is expected: the whole numbers -reach .. reach in order, then the escape. */
export interface FrequencyTable {
  readonly reach: number;
  /** Each at least 1, 2^15 together. */
  readonly frequency: Uint16Array;
  /** Sum of the frequencies before a symbol. */
  readonly start: Uint16Array;
  /** By slot 0 .. 2^15 - 1: the symbol whose frequencies it lies in. */
  readonly symbolOf: Uint8Array;
}

/** Tables for standard deviations 2^(i/4 - 2), i = 0 .. 23: 0.25 to 13.5, a quarter of an octave apart. */
export const TABLES = 24;
const made = new Map<number, FrequencyTable>();

/**
 * The table of a Gaussian with standard deviation 2^(index/4 - 2). Whole numbers only: everyone gets the same.
 *
 * Rule: reach is ⌈4.5 deviations⌉; each symbol has one slot, and the rest is shared in proportion to e^(-k²/(2s²)),
 *   rounded down; what rounding leaves goes to zero. One slot for the escape: beyond 4.5 deviations lie 7 of 10^6.
 * Cost: a few ms the first time, remembered.
 */
export function frequencyTable(index: number): FrequencyTable {
  const known = made.get(index);
  if (known !== undefined) return known;
  const table = makeTable(index);
  made.set(index, table);
  return table;
}

/** 2^(r/4) in 2^-32 for r = 0 .. 3, rounded down. */
const QUARTERS = [4294967296n, 5107605667n, 6074000999n, 7223245206n];

function makeTable(index: number): FrequencyTable {
  // s in 2^-34; 2 s² in 2^-67.
  const deviation = QUARTERS[index % 4]! << BigInt(Math.floor(index / 4));
  const twiceSquare = deviation * deviation;
  const reach = Number((9n * deviation + (1n << 35n) - 1n) >> 35n);
  const weights = Array.from({ length: reach + 1 }, (_, k) =>
    exp(-fraction(BigInt(k * k) << 67n, twiceSquare)),
  );
  const total = weights.reduce((sum, weight, k) => sum + (k === 0 ? weight : 2n * weight), 0n);
  const symbols = 2 * reach + 2;
  const shared = BigInt(WHOLE - symbols);
  const frequency = new Uint16Array(symbols);
  for (let k = -reach; k <= reach; k++) {
    frequency[k + reach] = 1 + Number((shared * weights[Math.abs(k)]!) / total);
  }
  frequency[symbols - 1] = 1;
  frequency[reach]! += WHOLE - frequency.reduce((sum, each) => sum + each, 0);
  const start = new Uint16Array(symbols);
  const symbolOf = new Uint8Array(WHOLE);
  let next = 0;
  for (let symbol = 0; symbol < symbols; symbol++) {
    start[symbol] = next;
    symbolOf.fill(symbol, next, next + frequency[symbol]!);
    next += frequency[symbol]!;
  }
  return { reach, frequency, start, symbolOf };
}
