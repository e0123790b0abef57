import type { Piece } from './collusion.js';

/**
 * What became of a piece: its readers are on the chain, and so is whom its publisher reported when it leaked
 * (`levels.report`). A report is a claim: it may name the wrong reader, and leaks go unseen.
 */
export interface ReadPiece extends Piece {
  /** A span of time, from 0: what came before it may be learned from, what happens in it may be learned towards. */
  readonly window: number;
  /** The readers that were reported, each once; mostly none. */
  readonly named: readonly number[];
}

/** What the reports say of each provider of an area; arrays are [providers]. */
export interface Evidence {
  /** How often reported for a piece read, beside the area's mean: 1 is as often as anybody. */
  readonly named: Float64Array;
  /**
   * How often a piece was read for which anybody was reported, each such report counted by how much of the readers'
   * `named` is this one's; likewise. Who is reported for another's leaks is so beside that other.
   */
  readonly suspicion: Float64Array;
}

/** Reads of an average provider that every rate starts from: few reads say little. */
const PRIOR_READS = 4;

/**
 * Rates with a prior: (count + r · PRIOR_READS) / (reads + PRIOR_READS) / r, with r the area's count a read; 1 for all
 * where nothing was reported. Throws RangeError for a reader that is none, or one reported for what it did not read.
 * Cost: O(pieces · readers).
 */
export function evidenceOf(pieces: readonly ReadPiece[], providers: number): Evidence {
  const reads = new Float64Array(providers);
  const [namedCount, blame] = [new Float64Array(providers), new Float64Array(providers)];
  for (const { readers, named } of pieces) {
    for (const reader of readers) {
      if (!(Number.isSafeInteger(reader) && reader >= 0 && reader < providers))
        throw new RangeError(`reader ${reader} of ${providers} providers`);
      reads[reader]!++;
    }
    for (const one of named) {
      if (!readers.includes(one))
        throw new RangeError(`provider ${one} was reported for what it did not read`);
      namedCount[one]!++;
    }
  }
  const named = ratesOf(namedCount, reads);
  for (const piece of pieces) {
    if (piece.named.length === 0) continue;
    const total = piece.readers.reduce((sum, reader) => sum + named[reader]!, 0);
    for (const reader of piece.readers) blame[reader]! += (piece.named.length * named[reader]!) / total;
  }
  return { named, suspicion: ratesOf(blame, reads) };
}

/** [providers]: 1 for who was reported in these pieces. */
export function reportedIn(pieces: readonly ReadPiece[], providers: number): Uint8Array {
  const reported = new Uint8Array(providers);
  for (const { named } of pieces) for (const one of named) reported[one] = 1;
  return reported;
}

function ratesOf(counts: Float64Array, reads: Float64Array): Float64Array {
  const rate = sumOf(counts) / sumOf(reads);
  if (!(rate > 0)) return new Float64Array(counts.length).fill(1);
  return counts.map((count, at) => (count + rate * PRIOR_READS) / (reads[at]! + PRIOR_READS) / rate);
}

function sumOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}
