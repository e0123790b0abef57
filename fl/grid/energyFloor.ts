import { type Grid, wireSteps } from './grid.js';

/** 20 ln 2 in 2^-40, rounded up: an honest update falls below the floor with probability below 2^-20. */
const LEVEL40 = 20n * 762_123_384_787n;
/** The noise has at least so many wire steps of deviation: the wire step is at most σC/4. */
const STEPS = 4n;
/** Fine steps in a wire step from which on the table below holds. */
const FINE_MIN = 16n;

/**
 * -log E[e^(-λw²)] in 2^-40, rounded down, of an entry w of noise alone with a deviation of four wire steps, for λ = 2, 1,
 * 1/2, ... 2^-14. Of the discrete Gaussian, rounded with ties to even, the worst of 16 to 256 fine steps a wire step; the
 * test computes it again.
 */
const EXPONENTS40 = [
  2_241_562_020_944n,
  1_912_456_410_959n,
  1_558_980_150_542n,
  1_210_471_029_799n,
  887_078_697_317n,
  605_869_459_826n,
  382_487_661_713n,
  223_857_609_503n,
  123_245_028_205n,
  65_068_917_318n,
  33_496_575_452n,
  17_003_362_346n,
  8_567_414_514n,
  4_300_396_185n,
  2_154_402_928n,
  1_078_256_789n,
];

/**
 * Lower bound on the squared norm of an honest update with noise, in wire units squared: who forgets the noise, and has
 * little else to send, stays below it. 0: there is none.
 *
 * Whatever an entry hides, its square is at least as large as that of the noise alone, in distribution (Anderson's
 *   inequality), and noise alone has P(Σw² <= m) <= e^(λm) E[e^(-λw²)]^d for every λ (Chernoff): the floor is one above
 *   the largest m for which some λ of the table keeps this at 2^-20.
 * It is weak for few parameters (3 at nine of them, 90 at 31; none below eight) and nears the noise's own energy for many:
 *   0.42 of it at a hundred, 0.78 at a thousand, 0.98 at a hundred thousand.
 * 0 also where the noise has few fine steps, so that the table says nothing of it: σ below 0.6/√d or so.
 */
export function energyFloorSquared(grid: Grid): bigint {
  const { dimension, sigma16, sensitivity } = grid;
  const wire = BigInt(wireSteps(grid));
  if (wire < FINE_MIN || BigInt(sigma16) * BigInt(sensitivity) < (STEPS * wire) << 16n) return 0n;
  let floor = 0n;
  for (const [index, exponent40] of EXPONENTS40.entries()) {
    const excess40 = BigInt(dimension) * exponent40 - LEVEL40;
    if (excess40 < 0n) continue;
    const bound = ((excess40 << BigInt(index)) >> 41n) + 1n; // λ = 2 / 2^index
    if (bound > floor) floor = bound;
  }
  return floor;
}
