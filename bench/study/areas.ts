import { sha256, utf8ToBytes } from '../../crypto/index.js';
import {
  type AreaLog,
  classifyProviders,
  createRandom,
  evenWeights,
  type Random,
  type ReadPiece,
  randomClasses,
  sizesInProportion,
} from '../../pmta/index.js';

/** How areas of a study are made. */
export interface World {
  readonly providers: number;
  readonly classes: number;
  /** Readers of one piece. */
  readonly readers: number;
  /** Share of the providers that belong to the coalition. */
  readonly malicious: number;
  /** Spans of time whose reports are at hand. */
  readonly windows: number;
  /** Pieces of each class in a window. */
  readonly pieces: number;
  /** Chance that a member of the coalition leaks a piece that it reads. */
  readonly leaks: number;
  /** Chance that the publisher notices a leak. */
  readonly noticed: number;
  /** Chance that it then names one who leaked; else it names any of the readers. */
  readonly rightly: number;
  /** Chance that it reports any reader of a piece that did not leak. */
  readonly falsely: number;
}

export const defaultWorld: World = {
  providers: 150,
  classes: 3,
  readers: 3,
  malicious: 0.3,
  windows: 6,
  pieces: 30,
  leaks: 0.3,
  noticed: 0.7,
  rightly: 0.6,
  falsely: 0.02,
};

/** An area with its past, and who is malicious in truth: what a study measures by, and nobody learns from. */
export interface KnownArea extends AreaLog {
  readonly coalition: ReadonlySet<number>;
}

/**
 * One area. Providers have two attributes in three groups and are classified by them; the coalition is drawn from all
 * alike. In each window everybody is in a class drawn at random. Everything depends on the name alone.
 */
export function makeArea(world: World, name: string): KnownArea {
  const seed = sha256(utf8ToBytes(`bench/areas/${name}`));
  const random = createRandom(seed);
  const { providers, classes, readers } = world;
  const points = new Float64Array(2 * providers);
  for (let at = 0; at < providers; at++) {
    points[2 * at] = random.normal() + 4 * (at % 3);
    points[2 * at + 1] = random.normal() - 3 * (at % 2);
  }
  const found = classifyProviders(points, {
    dimensions: 2,
    neighbours: 8,
    sigma: 'median',
    clusters: classes,
    balance: 1.2,
    weights: evenWeights,
    shares: new Array<number>(classes).fill(1),
    seed,
  });
  if (!found.ok) throw new Error(`area ${name}: ${found.reason}`);
  const coalition = new Set(
    drawn([...new Array(providers).keys()], Math.round(world.malicious * providers), random),
  );
  const sizes = sizesInProportion(providers, new Array<number>(classes).fill(1));
  const area = { clusters: found.clusters, sizes, readers };
  const pieces: ReadPiece[] = [];
  for (let window = 0; window < world.windows; window++) {
    const placed = randomClasses(area, random);
    for (let own = 1; own <= classes; own++) {
      const members = [...placed.keys()].filter((provider) => placed[provider] === own);
      for (let piece = 0; piece < world.pieces; piece++)
        pieces.push(readPiece(world, drawn(members, readers, random), coalition, window, random));
    }
  }
  return { area, pieces, coalition };
}

function readPiece(
  world: World,
  readers: readonly number[],
  coalition: ReadonlySet<number>,
  window: number,
  random: Random,
): ReadPiece {
  const leaking = readers.filter((reader) => coalition.has(reader) && random.unit() < world.leaks);
  const isReported = random.unit() < (leaking.length > 0 ? world.noticed : world.falsely);
  const among = leaking.length > 0 && random.unit() < world.rightly ? leaking : readers;
  return { window, readers, named: isReported ? [among[random.below(among.length)]!] : [] };
}

/** So many of them, without replacement, in the order drawn. */
function drawn<T>(from: readonly T[], count: number, random: Random): T[] {
  const left = [...from];
  return Array.from({ length: count }, () => left.splice(random.below(left.length), 1)[0]!);
}
