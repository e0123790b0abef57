import { concatBytes, utf8ToBytes } from '../../crypto/index.js';
import {
  allocateArea,
  type DqnOptions,
  defaultDqn,
  type ReadPiece,
  sizesInProportion,
  type Weights,
} from '../../pmta/index.js';

/** Providers of one area that a Q-network is trained on: its time grows with their square, a minute at so many. */
export const ALLOCATED_MAX = 2_000;

/** What levels of an area are made from, if not from influence. */
export interface AreaReports {
  readonly pieces: readonly ReadPiece[];
  /** A Q-network that a task trained; null: the area's own is trained on its pieces. */
  readonly network: Weights | null;
}

/** How an area's levels came from leak reports. */
export interface Allocation {
  /** Pieces read, the windows in which they were, and providers that were reported at least once. */
  readonly pieces: number;
  readonly windows: number;
  readonly reported: number;
  /** Readers of one piece: the mean, as a whole number. */
  readonly readers: number;
  /** Settings and seed by which the area's own Q-network was trained; both null: it was given. */
  readonly network: DqnOptions | null;
  readonly seed: string | null;
  /** Shares of content that those reported in a window assemble: in one pool, and by classes made without that window. */
  readonly share: { readonly pool: number; readonly gated: number };
}

/** Why a Q-network cannot give levels in such shares to so many providers; null: it can. shares: level 1 first. */
export function allocationFault(providers: number, shares: readonly number[]): string | null {
  if (providers > ALLOCATED_MAX)
    return `has ${providers} providers, and leak reports make levels of at most ${ALLOCATED_MAX}`;
  const empty = sizesInProportion(providers, shares.toReversed()).toReversed().indexOf(0);
  return empty < 0 ? null : `has ${providers} providers, of whom level ${empty + 1} would have none`;
}

/** Readers of one piece: the mean, as a whole number. */
export function readersOf(pieces: readonly ReadPiece[]): number {
  const reads = pieces.reduce((sum, { readers }) => sum + readers.length, 0);
  return Math.max(1, Math.round(reads / pieces.length));
}

/**
 * The levels of an area's providers: the classes of the Q-network, those reported least in the highest level, those
 * reported most in level 1, since higher levels are for what is more sensitive.
 *
 * clusters: [providers], which the network is shown; whatever they were made of was paid for. shares: level 1 first.
 * Result: [providers], 1 .. shares.length. Deterministic from the seed on one kind of machine. Cost: a second or two for
 * 150 providers, with their square.
 */
export function levelsByReports(
  area: { readonly name: string; readonly clusters: ArrayLike<number> },
  { pieces, network }: AreaReports,
  { shares, seed }: { readonly shares: readonly number[]; readonly seed: string },
): { readonly levels: Uint8Array; readonly allocation: Allocation } {
  const readers = readersOf(pieces);
  // The first class is filled with those reported least, the last with who is left over.
  const { classes, share } = allocateArea(
    { clusters: area.clusters, pieces },
    {
      shares: shares.toReversed(),
      readers,
      dqn: defaultDqn,
      network,
      seed: concatBytes(utf8ToBytes(`pmta classes ${area.name} `), utf8ToBytes(seed)),
    },
  );
  const allocation = {
    pieces: pieces.length,
    windows: new Set(pieces.map(({ window }) => window)).size,
    reported: new Set(pieces.flatMap(({ named }) => named)).size,
    readers,
    network: network === null ? defaultDqn : null,
    seed: network === null ? seed : null,
    share,
  };
  return { levels: classes.map((own) => shares.length + 1 - own), allocation };
}
