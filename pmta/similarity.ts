import { type Edge, type Graph, graphOf } from './graph.js';

export interface SimilarityOptions {
  /** Numbers of one provider. */
  readonly dimensions: number;
  /** Nearest providers that each one is linked to; others may link to it. */
  readonly neighbours: number;
  /**
   * σ of the Gaussian. 'median': the median distance to the last of the nearest. 'local': for each pair the geometric
   * mean of their own distances to the last of their nearest, so that who lies in thin places still has likes: by one σ
   * for all it hangs on almost nothing, and what is cheapest to cut off is single providers.
   */
  readonly sigma: number | 'median' | 'local';
}

/** Below it two providers are as good as unlike: a weight above 0 keeps the link. */
const WEIGHT_MIN = 1e-12;

/**
 * The provider graph: a link from each provider to its nearest ones, of weight exp(-‖a - b‖² / (2σ²)).
 *
 * points: [providers][dimensions], row-major, finite, in scales that compare (encoded by a schema). Ties by index.
 * Exact: every pair is looked at. Cost: O(providers² · dimensions) time, O(providers · neighbours) memory.
 * Source: PMTA (Wang et al. 2023), equation 6; von Luxburg 2007, section 2.2, for the sparse graph of nearest neighbours;
 * Zelnik-Manor and Perona 2004 for σ of each provider.
 */
export function similarityGraph(points: Float64Array, options: SimilarityOptions): Graph {
  const { dimensions, neighbours } = options;
  const providers = points.length / dimensions;
  if (!Number.isSafeInteger(providers) || providers < 2)
    throw new RangeError(`${points.length} numbers are no providers of ${dimensions} each`);
  if (!points.every(Number.isFinite)) throw new RangeError('a provider whose numbers are not finite');
  if (!(Number.isSafeInteger(neighbours) && neighbours >= 1))
    throw new RangeError(`${neighbours} neighbours`);
  const kept = Math.min(neighbours, providers - 1);
  const near = nearest(points, dimensions, providers, kept);
  const squaredScale = squaredScales(near.squares, kept, options.sigma);
  const edges: Edge[] = Array.from(near.indices, (to, at) => {
    const from = Math.floor(at / kept);
    const square = near.squares[at]!;
    const exponent = square === 0 ? 0 : -square / (2 * squaredScale(from, to));
    return { from, to, weight: Math.max(WEIGHT_MIN, Math.exp(exponent)) };
  });
  return graphOf(providers, edges);
}

/** σ² of a pair. squares: [providers][kept], ascending. */
function squaredScales(
  squares: Float64Array,
  kept: number,
  sigma: SimilarityOptions['sigma'],
): (a: number, b: number) => number {
  const lasts = squares.filter((_, at) => at % kept === kept - 1);
  if (sigma === 'local') return (a, b) => Math.sqrt(lasts[a]! * lasts[b]!);
  const one = sigma === 'median' ? medianOf(lasts) : sigma ** 2;
  if (typeof sigma === 'number' && !(sigma >= 0)) throw new RangeError(`σ = ${sigma}`);
  return () => one;
}

/** [providers][kept]: who is nearest, and at which squared distance, ascending. */
function nearest(points: Float64Array, dimensions: number, providers: number, kept: number) {
  const indices = new Uint32Array(providers * kept);
  const squares = new Float64Array(providers * kept).fill(Number.POSITIVE_INFINITY);
  const insert = (of: number, other: number, square: number): void => {
    const first = of * kept;
    let at = first + kept - 1;
    if (square >= squares[at]!) return;
    for (; at > first && square < squares[at - 1]!; at--) {
      squares[at] = squares[at - 1]!;
      indices[at] = indices[at - 1]!;
    }
    squares[at] = square;
    indices[at] = other;
  };
  for (let a = 0; a < providers; a++)
    for (let b = a + 1; b < providers; b++) {
      let square = 0;
      for (let i = 0; i < dimensions; i++) {
        const apart = points[a * dimensions + i]! - points[b * dimensions + i]!;
        square += apart * apart;
      }
      insert(a, b, square);
      insert(b, a, square);
    }
  return { indices, squares };
}

function medianOf(values: Float64Array): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
