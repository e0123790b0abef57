/** A chi-square test of whole-number samples against the discrete Gaussian, on signed cells of equal width. */
export interface Fit {
  readonly statistic: number;
  readonly freedom: number;
  /** Refused samples are off by more than chance gives in one of 10^8 tries. */
  readonly fits: boolean;
}

/** Cells are `width` wide, centred on zero, out to where fewer than `least` samples are expected; then two tails. */
export function fitDiscreteGaussian(samples: readonly number[], variance: number, width = 1): Fit {
  const least = 10;
  const probability = cellProbabilities(variance, width);
  const reach = probability.findIndex((p) => p * samples.length < least) - 1;
  const cellOf = (x: number) => {
    const cell = Math.round(x / width);
    return Math.max(-reach - 1, Math.min(reach + 1, cell));
  };
  const observed = new Map<number, number>();
  for (const x of samples) observed.set(cellOf(x), (observed.get(cellOf(x)) ?? 0) + 1);
  const inside = probability[0]! + 2 * sum(probability.slice(1, reach + 1));
  let statistic = 0;
  let freedom = -1;
  for (let cell = -reach - 1; cell <= reach + 1; cell++) {
    const p = Math.abs(cell) > reach ? (1 - inside) / 2 : probability[Math.abs(cell)]!;
    const expected = p * samples.length;
    if (expected < 1) continue;
    statistic += ((observed.get(cell) ?? 0) - expected) ** 2 / expected;
    freedom++;
  }
  // Wilson and Hilferty 1931: the cube root of chi-square over its freedom is close to normal.
  const spread = 2 / (9 * freedom);
  const z = (Math.cbrt(statistic / freedom) - (1 - spread)) / Math.sqrt(spread);
  return { statistic, freedom, fits: freedom >= 2 && z < 5.6 };
}

/** P(cell c) for c = 0, 1, 2, ...; the width is odd, so that cells are symmetric. */
function cellProbabilities(variance: number, width: number): number[] {
  if (width % 2 !== 1) throw new Error('cells need an odd width');
  const weight = (x: number) => Math.exp((-x * x) / (2 * variance));
  const end = Math.ceil(12 * Math.sqrt(variance)) + 2;
  let total = 1;
  for (let x = 1; x <= end; x++) total += 2 * weight(x);
  const cells: number[] = [];
  const half = (width - 1) / 2;
  for (let centre = 0; centre - half <= end; centre += width) {
    let cell = 0;
    for (let x = centre - half; x <= centre + half; x++) cell += weight(x) / total;
    cells.push(cell);
  }
  return [...cells, 0];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
